// Adds the rows that the server writes for each new turn; without this, the page loads itself anew.
"use strict";
const place = document.getElementById("live");
const rows = document.getElementById("turns");
const state = document.getElementById("state");
const pause = document.getElementById("pause");
const most = 200;
let waiting = "";

const show = (html) => {
  document.getElementById("none")?.remove();
  for (const row of html.match(/<tr>[\s\S]*?<\/tr>/g) ?? []) rows.insertAdjacentHTML("afterbegin", row);
  while (rows.children.length > most) rows.lastElementChild.remove();
};

const source = new EventSource(place.dataset.from);
source.onopen = () => { state.textContent = "Turns show as they come."; };
source.onerror = () => { state.textContent = "The console does not answer; trying again."; };
source.onmessage = (event) => {
  if (pause.getAttribute("aria-pressed") === "true") waiting += event.data;
  else show(event.data);
};
pause.hidden = false;
pause.onclick = () => {
  const paused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", paused);
  if (!paused) { show(waiting); waiting = ""; }
};
