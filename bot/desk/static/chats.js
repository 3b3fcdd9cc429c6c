// Conversations with patients: what the server sends as it happens (server-sent events), and what the volunteer does with it.
"use strict";
(function () {
  const $ = (id) => document.getElementById(id);
  const CHANNELS = { web: "Web page", sms: "SMS", whatsapp: "WhatsApp", whatsapp_twilio: "WhatsApp" };
  const WHO = { patient: "Patient", reply: "Assistant", volunteer: "Volunteer", notice: "Patient is told", assistant: "Assistant" };
  const chats = new Map(); // id -> {about, lines: Map, suggestions, draft}
  let state = { waiting: [], mine: [], colleagues: [] };
  let current = null;
  let onDuty = false;
  let source = null;

  function h(name, attributes, ...children) {
    const element = document.createElement(name);
    Object.entries(attributes || {}).forEach(([key, value]) => { if (value !== null && value !== undefined) element.setAttribute(key, value); });
    element.append(...children.filter(Boolean));
    return element;
  }
  const show = (element, text) => { element.hidden = !text; element.textContent = text || ""; };
  const minutes = (since) => {
    const whole = Math.max(0, Math.floor((Date.now() / 1000 - since) / 60));
    return whole < 1 ? "under a minute" : whole === 1 ? "1 minute" : `${whole} minutes`;
  };
  const about = (chat) => [chat.language, CHANNELS[chat.channel] || chat.channel, chat.topic || "topic not shared"].join(" · ");
  const key = () => (crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now());

  // The stream. After a break the browser comes back by itself, and the server sends all again: lines are known by their number.
  function listen() {
    if (source) source.close();
    source = new EventSource("/desk/chats/events");
    source.onopen = () => { show($("connection"), ""); $("duty").disabled = false; };
    source.onerror = () => {
      show($("connection"), "The connection is lost; trying again. After 20 seconds your conversations go back to the queue, and the patients are told.");
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    };
    source.addEventListener("signed_out", () => location.assign("/desk/sign-in"));
    source.addEventListener("state", (event) => {
      state = JSON.parse(event.data);
      if (onDuty && !state.on_duty) duty(true); // a server that was started again has forgotten it
      else if (state.on_duty !== onDuty) drawDuty(state.on_duty);
      draw();
    });
    source.addEventListener("line", (event) => {
      const line = JSON.parse(event.data);
      const chat = known(line.chat);
      chat.lines.set(line.id, line);
      if (line.chat === current) drawLines();
    });
    source.addEventListener("suggestions", (event) => {
      const given = JSON.parse(event.data);
      known(given.chat).suggestions = given.suggestions;
      if (given.chat === current) drawSuggestions();
    });
  }
  function known(id) {
    if (!chats.has(id)) chats.set(id, { lines: new Map(), suggestions: [], draft: "" });
    return chats.get(id);
  }

  // What is seen
  function draw() {
    desk.waiting(state.waiting.length);
    $("queue-count").textContent = state.waiting.length;
    $("mine-count").textContent = state.mine.length;
    $("nobody").hidden = state.waiting.length > 0;
    const focused = document.activeElement && document.activeElement.dataset.id;
    $("queue").replaceChildren(...state.waiting.map((chat) => h("li", { class: chat.danger ? "danger-first" : null },
      chat.danger ? h("strong", { class: "tag alarm" }, "Danger") : null, h("p", {}, about(chat)),
      h("p", { class: "small" }, `Waits ${minutes(chat.since)}${chat.shared ? "; shares the conversation so far" : ""}`),
      button("Take", "primary", () => act(chat.id, "claim").then((done) => { if (done) open(chat.id); }), chat.id))));
    $("mine").replaceChildren(...state.mine.map((chat) => h("li", { class: chat.id === current ? "current" : null },
      chat.alert ? h("strong", { class: "tag alarm" }, "Danger") : null, h("p", {}, about(chat)),
      chat.unanswered ? h("strong", { class: "tag warning" }, "Waits for your answer") : null,
      button("Open", "", () => open(chat.id), chat.id))));
    if (focused) { const again = document.querySelector(`[data-id="${CSS.escape(focused)}"]`); if (again) again.focus(); }
    if (current && !state.mine.some((chat) => chat.id === current) && chats.has(current) && known(current).held) lost();
    state.mine.forEach((chat) => { known(chat.id).held = true; known(chat.id).about = chat; });
    if (!current && state.mine.length === 1) open(state.mine[0].id);
    drawAlert();
    const colleagues = state.colleagues;
    $("transfer-to").hidden = !colleagues.length;
    const chosen = $("colleague").value;
    $("colleague").replaceChildren(...colleagues.map((name) => h("option", {}, name)));
    if (colleagues.includes(chosen)) $("colleague").value = chosen;
    document.title = `${state.mine.some((chat) => chat.alert) ? "DANGER · " : ""}${state.waiting.length ? `(${state.waiting.length}) ` : ""}Chats · Confide`;
  }
  function button(text, kind, does, id) {
    const made = h("button", { type: "button", class: kind, "data-id": `${text} ${id}` }, text);
    made.addEventListener("click", does);
    return made;
  }
  let alerted = ""; // which alert is shown
  // The conversation in danger, whichever is open: there are 30 seconds.
  function drawAlert() {
    const mine = state.mine.find((chat) => chat.alert);
    const alert = mine && mine.alert;
    const which = alert ? `${mine.id} ${alert.answers_at}` : "";
    if (which === alerted) return;
    alerted = which;
    $("alert").hidden = !alert;
    if (!alert) { $("alert").replaceChildren(); return; }
    const seconds = Math.max(0, Math.round(alert.answers_at - Date.now() / 1000));
    const heed = () => act(mine.id, "seen").then(() => { if (mine.id !== current) open(mine.id); $("text").focus(); });
    $("alert").replaceChildren(
      h("strong", {}, "Words of danger. "), `Read as: “${alert.topic}” Without an answer from you within ${seconds} seconds, the emergency text goes out. `,
      button("I answer", "primary", heed, "alert"));
    $("alert").hidden = false;
  }
  function drawLines() {
    const box = $("lines");
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
    const chat = known(current);
    const shown = new Set(Array.from(box.children, (child) => Number(child.dataset.line)));
    Array.from(chat.lines.values()).sort((one, other) => one.id - other.id).forEach((line) => {
      if (shown.has(line.id)) return;
      const own = line.who === "patient" || line.who === "volunteer" ? { dir: "auto" } : { lang: chat.about && chat.about.tag, dir: chat.about && chat.about.direction };
      box.append(h("article", { class: `line ${line.who}${line.danger ? " danger" : ""}`, "data-line": line.id },
        h("h3", { class: "small" }, WHO[line.who], " ", h("time", {}, new Date(line.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }))),
        h("div", { class: "two" }, h("p", Object.assign({ class: "words" }, own), line.text), line.english ? h("p", { class: "english", lang: "en", dir: "ltr" }, line.english) : null)));
    });
    if (atEnd || !shown.size) box.scrollTop = box.scrollHeight;
  }
  function drawSuggestions() {
    const given = known(current).suggestions;
    const chat = known(current).about || {};
    $("suggested").hidden = !given.length;
    $("suggestions").replaceChildren(...given.map((one, at) => h("li", {},
      h("details", {}, h("summary", {}, one.title), h("div", { class: "two" },
        h("p", { class: "words", lang: chat.tag, dir: chat.direction }, one.text), chat.tag === "en" ? null : h("p", { class: "english" }, one.english))),
      button(`Send ${at + 1}`, "", () => suggest(at), one.topic))));
  }
  function open(id) {
    if (current) known(current).draft = $("text").value;
    current = id;
    const chat = known(id);
    chat.about = state.mine.find((one) => one.id === id) || state.waiting.find((one) => one.id === id) || chat.about;
    $("chat").hidden = false;
    $("chat-title").textContent = chat.about ? `A person who writes ${chat.about.language}` : "A person";
    $("chat-about").textContent = chat.about ? about(chat.about) : "";
    $("lines").replaceChildren();
    $("alert").hidden = true;
    show($("problem"), "");
    $("language-warning").hidden = true;
    $("text").value = chat.draft;
    drawLines();
    drawSuggestions();
    draw();
    $("text").focus();
  }
  function lost() {
    chats.delete(current);
    current = null;
    $("chat").hidden = true;
    show($("connection"), "That conversation is no longer yours: it was ended or passed on, went back to the queue, or the person left.");
    setTimeout(() => show($("connection"), ""), 8000);
  }

  // What is done
  function act(id, what, data) {
    return desk.post(`/desk/chats/${encodeURIComponent(id)}/${what}`, data || {}).then(() => true, (error) => {
      show($("chat").hidden ? $("connection") : $("problem"), error.message);
      return false;
    });
  }
  let sending = null; // what goes out keeps its key, so that a second try after a broken connection is not a second message
  function say(data) {
    const id = current;
    const content = JSON.stringify(data);
    if (!sending || sending.content !== content || sending.id !== id) sending = { id, content, key: key() };
    const mine = sending;
    show($("problem"), "");
    $("language-warning").hidden = true;
    return desk.post(`/desk/chats/${encodeURIComponent(id)}/say`, Object.assign({ key: mine.key }, data)).then((answer) => {
      if (answer.warning) {
        $("language-warning").firstElementChild.textContent = answer.warning;
        $("language-warning").hidden = false;
        $("anyway").focus();
        return;
      }
      if (sending === mine) sending = null;
      // What was typed while it went out stays.
      if (data.text && current === id) { if ($("text").value.trim() === data.text) $("text").value = ""; $("text").focus(); }
    }, (error) => show($("problem"), `${error.message} Your words are still here; try again.`));
  }
  const TWICE = 5000; // milliseconds in which the same answer to the same person is the same press of a key
  let suggested = "", suggestedAt = 0;
  function suggest(at) {
    const one = current && known(current).suggestions[at];
    const what = one && `${current} ${one.topic}`;
    if (!one || (what === suggested && Date.now() - suggestedAt < TWICE)) return;
    suggested = what;
    suggestedAt = Date.now();
    say({ topic: one.topic, nation: one.nation });
  }
  $("say").addEventListener("submit", (event) => {
    event.preventDefault();
    if ($("text").value.trim()) say({ text: $("text").value.trim() });
  });
  $("anyway").addEventListener("click", () => say({ text: $("text").value.trim(), anyway: "1" }));
  $("text").addEventListener("input", () => { $("language-warning").hidden = true; });
  $("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("say").requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || !/^Digit[1-3]$/.test(event.code)) return;
    event.preventDefault();
    if (event.repeat) return;
    suggest(Number(event.code.slice(5)) - 1);
  });
  function leave(what, data, sure) {
    if (sure && !window.confirm(sure)) return;
    const id = current;
    act(id, what, data).then((done) => {
      if (!done) return;
      chats.delete(id);
      current = null;
      $("chat").hidden = true;
      $("duty").focus();
    });
  }
  $("hand-back").addEventListener("click", () => leave("hand-back"));
  $("put-back").addEventListener("click", () => leave("put-back"));
  $("transfer").addEventListener("click", () => leave("transfer", { to: $("colleague").value }));
  $("end").addEventListener("click", () => leave("end", {}, "End this conversation? What was said in it is deleted."));
  function drawDuty(on) {
    onDuty = on;
    $("duty").setAttribute("aria-pressed", String(onDuty));
    $("duty").textContent = onDuty ? "Stop taking chats" : "Start taking chats";
    $("duty-says").textContent = onDuty ? "You are on duty: patients can ask for you." : "You are not on duty. Patients are told when nobody is.";
  }
  function duty(on) {
    return desk.post("/desk/chats/duty", { on: on ? "1" : "0" }).then(() => drawDuty(on), (error) => show($("connection"), error.message));
  }
  $("duty").addEventListener("click", () => duty(!onDuty));

  // A sign of life while the volunteer types, reads or moves: five minutes without one, and their conversations go back to the queue; half an hour, and the session ends.
  let told = 0;
  ["keydown", "pointerdown", "pointermove", "scroll"].forEach((kind) => document.addEventListener(kind, () => {
    if (Date.now() - told < 30000) return;
    told = Date.now();
    desk.post("/desk/chats/here").catch(() => {});
  }, { passive: true, capture: true }));
  setInterval(() => { if (state.waiting.length || state.mine.length) draw(); }, 30000);
  listen();
})();
