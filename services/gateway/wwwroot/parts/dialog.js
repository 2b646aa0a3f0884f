// Windows over the page. What is said while one is open is said in it: behind it nobody sees or hears anything.

import { hush, place, whisper } from "./notice.js";

const open = [];
const [placeBelow, whisperBelow] = [document.createComment(""), document.createComment("")];

/** Opens a dialog over what is there; once it is closed, messages are where they were. */
export function showModal(dialog) {
  hush();
  if (!open.length) {
    place.replaceWith(placeBelow);
    whisper.replaceWith(whisperBelow);
  }
  open.push(dialog);
  settle();
  dialog.addEventListener("close", () => {
    open.splice(open.indexOf(dialog), 1);
    settle();
  }, { once: true });
  dialog.showModal();
}

function settle() {
  const over = open.at(-1);
  if (over) {
    over.prepend(place);
    over.append(whisper);
  } else {
    placeBelow.replaceWith(place);
    whisperBelow.replaceWith(whisper);
  }
}
