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
