// Reads QR codes with jsQR, each from rows of 0 and 1 with their quiet zone: node jsqr.mjs '[["0000…","…"],…]'
import jsQR from 'jsqr';

const decode = jsQR.default ?? jsQR;
const scale = 4;
const read = (rows) => {
  const side = rows.length * scale;
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      if (rows[Math.floor(y / scale)][Math.floor(x / scale)] === '1') pixels.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
  return decode(pixels, side, side)?.data ?? null;
};

console.log(JSON.stringify(JSON.parse(process.argv[2]).map(read)));
