// Asks whose the visitor's things in this browser are, before a sign-in makes them somebody's.

const $ = id => document.getElementById(id);
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

async function read(path) {
  const response = await fetch(path);
  return response.ok ? response.json() : undefined;
}

async function tell() {
  const [credits, stagings] = await Promise.all(["/api/v1/credits", "/api/v1/stagings?limit=100"].map(read));
  const rooms = stagings?.items.length;
  const known = [credits && plural(credits.available, "credit"), stagings && (rooms === 100 ? "100 or more rooms" : plural(rooms, "room"))].filter(Boolean);
  if (known.length) $("what").textContent = `There are ${known.join(" and ")}.`;
}

/** The visitor's photos that are not staged yet become the member's, too: the tray looks for whom they were. */
async function noteVisitor() {
  const session = await read("/api/v1/session");
  try { sessionStorage.setItem("homestage-merged", session?.accountId ?? ""); } catch { /* No storage: no photos are kept either. */ }
}

async function answer(merge) {
  $("mine").disabled = $("not-mine").disabled = true;
  $("trouble").textContent = "";
  try {
    if (merge) await noteVisitor();
    const response = await fetch("/auth/merge", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ merge }) });
    const content = await response.json();
    if (response.ok) return location.assign(content.url);
    $("trouble").textContent = content.detail ?? "That did not work.";
  } catch {
    $("trouble").textContent = "HomeStage cannot be reached. Try again.";
  }
  $("mine").disabled = $("not-mine").disabled = false;
}

$("mine").onclick = () => answer(true);
$("not-mine").onclick = () => answer(false);
$("mine").disabled = $("not-mine").disabled = false;
tell().catch(() => {});
