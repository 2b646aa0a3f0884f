// Asks whose the visitor's things in this browser are, before a sign-in makes them somebody's.

const $ = id => document.getElementById(id);
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

async function tell() {
  const [credits, stagings] = await Promise.all(["/api/v1/credits", "/api/v1/stagings?limit=100"].map(async path => (await fetch(path)).json()));
  const rooms = stagings.items?.length ?? 0;
  $("what").textContent = `There are ${plural(credits.available ?? 0, "credit")} and ${rooms === 100 ? "100 or more rooms" : plural(rooms, "room")}.`;
}

async function answer(merge) {
  $("mine").disabled = $("not-mine").disabled = true;
  $("trouble").textContent = "";
  try {
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
tell().catch(() => {});
