// Microsoft's consent opens in a pop-up and tells the settings page how it ended. A channel, because the pop-up has been
// on another site in between and lost its opener.
"use strict";
const channel = new BroadcastChannel("samklang-consent");

for (const form of document.querySelectorAll("form[data-popup]")) {
  form.addEventListener("submit", () => window.open("", form.target, "popup,width=560,height=720"));
  channel.addEventListener("message", (event) => {
    const said = document.querySelector("[data-consent-said]");
    if (event.data.state !== "refused") window.location.reload();
    else if (said) {
      said.textContent = event.data.text;
      said.hidden = false;
    }
  });
}
const onward = document.querySelector("a[data-go]");
if (onward) window.location.assign(onward.href);

const ended = document.querySelector("[data-consent]");
if (ended) {
  const state = ended.dataset.consent;
  channel.postMessage({ state, text: ended.querySelector("[role]").textContent });
  // A refusal stays to be read: the administrator may have to show it to somebody else.
  if (state !== "refused") window.close();
}
// Microsoft, or a worker of ours, has yet to say more. What somebody is typing is left alone.
if (document.querySelector("[data-look-again]")) {
  const again = setTimeout(() => window.location.reload(), 5000);
  document.addEventListener("input", () => clearTimeout(again), { once: true });
}
// Commands are copied with a button where the browser lets a page do so; elsewhere they are marked by hand.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break;
  const section = button.closest("section");
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(section.querySelector("code").textContent);
    section.querySelector("[role=status]").textContent = section.dataset.copied;
  });
}
// The Exchange URL is looked up without leaving the page: nothing typed is lost, passwords least of all.
document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button?.hasAttribute("data-look-up")) return;
  event.preventDefault();
  const form = event.target;
  const said = document.getElementById("look-up");
  const body = new FormData(form, button);
  said.textContent = said.dataset.busy;
  try {
    const answer = await fetch(button.formAction, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const wrong = page.querySelectorAll(".wrong-why");
    said.replaceChildren(...(wrong.length ? wrong : page.getElementById("look-up").childNodes));
  } catch {
    said.textContent = said.dataset.failed;
  }
  const found = said.querySelector("[data-found]");
  if (found) form.elements.url.value = found.dataset.found;
  if (!button.isConnected) form.elements.url.focus();
});
