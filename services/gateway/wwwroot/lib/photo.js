// Looks at a file before it is sent: is it a photo, and is it larger than anybody needs?

import { text } from "../text.js";

const LongestSide = 3840;
const LargestAsItIs = 4_000_000;
const Quality = 0.9;

/** Why a file cannot be used, in words for its owner. */
export class PhotoProblem extends Error {}

/** What to send for a file: itself, or a smaller JPEG of it. Throws a PhotoProblem. */
export async function prepare(file, limits) {
  if (file.size === 0) throw new PhotoProblem(text.photo.empty(file.name));
  const isKnown = await hasKnownType(file);
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    if (isKnown && file.size > limits.maxBytes) throw new PhotoProblem(text.photo.large(file.name, Math.floor(limits.maxBytes / 1_000_000)));
    if (isKnown && file.size > LargestAsItIs) return file; // More than this device can decode; the server may.
    throw new PhotoProblem(isKnown ? text.photo.damaged(file.name) : text.photo.unknown(file.name));
  }
  try {
    const longest = Math.max(picture.width, picture.height);
    if (Math.min(picture.width, picture.height) < limits.minSide) throw new PhotoProblem(text.photo.small(file.name, limits.minSide));
    if (isKnown && file.size <= LargestAsItIs && longest <= LongestSide) return file;
    return await shrink(picture, Math.min(1, LongestSide / longest));
  } finally {
    picture.close();
  }
}

async function shrink(picture, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const context = canvas.getContext("2d", { alpha: false });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise(resolve => { canvas.toBlob(resolve, "image/jpeg", Quality); });
  if (!blob) throw new PhotoProblem(text.photo.memory);
  return blob;
}

/** JPEG, PNG or WebP by content, whatever the file is called. */
async function hasKnownType(file) {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const says = (at, word) => [...word].every((letter, i) => head[at + i] === letter.charCodeAt(0));
  return (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) || says(1, "PNG") || (says(0, "RIFF") && says(8, "WEBP"));
}
