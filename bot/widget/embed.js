/* The chat on another site: <script src="https://this-host/widget.js" data-language="ar" defer></script>
   A button opens a frame with the chat; nothing of it reaches the site's own styles, and nothing is loaded before it is opened. */
(function () {
  "use strict";
  const script = document.currentScript;
  if (!script) return;
  const words = /* words */ {};
  const home = new URL(script.src).origin;
  const wanted = (script.dataset.language || document.documentElement.lang || "en").replace(/-/g, "_");
  const language = words[wanted] ? wanted : wanted.split("_")[0];
  const say = words[language] || words.en || {};
  const neutral = script.dataset.exit || "https://www.bbc.co.uk/weather";

  const host = document.createElement("confide-chat");
  const shadow = host.attachShadow({ mode: "open" });
  const style = `
    :host { all: initial; position: fixed; z-index: 2147483000; bottom: 0; right: 0; color-scheme: light dark; }
    :host([dir="rtl"]) { right: auto; left: 0; }
    * { box-sizing: border-box; font: 600 18px/1.3 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans Arabic", sans-serif; }
    button { min-height: 48px; border: 2px solid #fff; border-radius: 24px; background: #0b5852; color: #fff; cursor: pointer; padding: 8px 20px; }
    button:hover { text-decoration: underline; }
    button:focus { outline: 3px solid #0b5852; outline-offset: 3px; }
    .open { margin: 16px; box-shadow: 0 2px 10px rgba(0, 0, 0, .3); }
    .panel { position: fixed; bottom: 16px; right: 16px; width: 420px; height: 680px; max-width: calc(100vw - 32px); max-height: calc(100vh - 32px);
      display: flex; flex-direction: column; overflow: hidden; border: 2px solid #0b5852; border-radius: 18px; background: #0f2f2c; box-shadow: 0 6px 30px rgba(0, 0, 0, .35); }
    :host([dir="rtl"]) .panel { right: auto; left: 16px; }
    .head { display: flex; align-items: center; justify-content: space-between; padding: 6px 8px 6px 18px; color: #fff; }
    :host([dir="rtl"]) .head { padding: 6px 18px 6px 8px; }
    .head button { background: transparent; min-height: 44px; padding: 4px 16px; }
    .head button:focus { outline-color: #fff; outline-offset: -5px; }
    iframe { flex: 1; width: 100%; border: 0; background: #f7f3ec; }
    [hidden] { display: none; }
    @media (max-width: 480px), (max-height: 480px) {
      .panel, :host([dir="rtl"]) .panel { top: 0; right: 0; bottom: 0; left: 0; width: auto; height: auto; max-width: none; max-height: none; border: 0; border-radius: 0; }
    }
    @media print { :host { display: none; } }`;
  if (shadow.adoptedStyleSheets && window.CSSStyleSheet && CSSStyleSheet.prototype.replaceSync) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    shadow.adoptedStyleSheets = [sheet];
  } else {
    shadow.append(Object.assign(document.createElement("style"), { textContent: style }));
  }

  function make(name, properties) {
    return Object.assign(document.createElement(name), properties);
  }
  const title = say.title || "Confide";
  const opener = make("button", { type: "button", className: "open", textContent: say.open || title });
  const panel = make("div", { className: "panel", hidden: true });
  const head = make("div", { className: "head" });
  const closer = make("button", { type: "button", textContent: say.close || "×" });
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", title);
  opener.setAttribute("aria-expanded", "false");
  opener.setAttribute("aria-haspopup", "dialog");
  head.append(make("span", { textContent: title }), closer);
  panel.append(head);
  shadow.append(opener, panel);
  host.lang = language.replace(/_/g, "-");
  host.dir = say.dir || "ltr";

  let frame = null;
  let ready = false;
  function open() {
    if (!frame) {
      frame = make("iframe", { title: title, src: home + "/chat" + (words[language] ? "/" + language : "") + "?embedded=1", allow: "clipboard-write", referrerPolicy: "no-referrer" });
      frame.addEventListener("load", () => { ready = true; enter(); });
      panel.append(frame);
    }
    panel.hidden = false;
    opener.hidden = true;
    opener.setAttribute("aria-expanded", "true");
    enter();
  }
  function enter() {
    if (panel.hidden) return;
    frame.focus();
    if (ready) frame.contentWindow.postMessage({ confide: "focus" }, home);
  }
  function close() {
    if (panel.hidden) return;
    panel.hidden = true;
    opener.hidden = false;
    opener.setAttribute("aria-expanded", "false");
    opener.focus();
  }
  let presses = [];
  function leave() {
    // The frame tells the server to forget as it goes.
    host.remove();
    document.title = new URL(neutral).hostname;
    document.body.textContent = "";
    window.location.replace(neutral);
  }
  function escape() {
    const now = Date.now();
    presses = presses.filter((time) => now - time < 2000).concat(now);
    if (presses.length >= 3) leave();
    else close();
  }
  opener.addEventListener("click", open);
  closer.addEventListener("click", close);
  window.addEventListener("keydown", (event) => { if (frame && event.key === "Escape") escape(); }, true);
  window.addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== home || !event.data) return;
    if (event.data.confide === "escape") escape();
    if (event.data.confide === "exit") leave();
  });
  document.body.append(host);
})();
