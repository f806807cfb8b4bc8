// Microsoft's consent opens in a pop-up and tells the settings page when it is done. A channel, because the pop-up has
// been on another site in between and lost its opener.
"use strict";
const channel = new BroadcastChannel("samklang-consent");

for (const form of document.querySelectorAll("form[data-popup]")) {
  form.addEventListener("submit", () => window.open("", form.target, "popup,width=560,height=720"));
  channel.addEventListener("message", () => window.location.reload());
}
const onward = document.querySelector("a[data-go]");
if (onward) window.location.assign(onward.href);
if (document.querySelector("[data-consent=granted]")) {
  channel.postMessage("granted");
  window.close();
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
