/* The chat without reloading. Everything it says comes from the block #words; everything it knows is forgotten with the page.
   Written for old phones too (no syntax newer than 2017): where it cannot run, the page's forms do the work. */
(function () {
  "use strict";
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const form = $("ask");
  const embedded = window.parent !== window;
  root.classList.remove("no-js");
  root.classList.add("js");

  /* Elements and words */
  const spoken = $("announce");
  const counter = $("counter");
  let page = form ? JSON.parse($("words").textContent) : null;

  function h(name, attributes) {
    const element = document.createElement(name);
    Object.keys(attributes || {}).forEach((key) => {
      if (attributes[key] !== null && attributes[key] !== undefined) element.setAttribute(key, attributes[key]);
    });
    Array.prototype.slice.call(arguments, 2).forEach((child) => { if (child) element.append(child); });
    return element;
  }
  const tag = (language) => language.replace(/_/g, "-");
  const isRtl = (language) => /^(ar|arc|ckb|dv|fa|he|ks|nqo|pnb|prs|ps|sd|ug|ur|yi)\b/.test(tag(language));
  const dir = (reply) => reply.direction || (isRtl(reply.language) ? "rtl" : "ltr");

  function day(iso) {
    const parts = iso.split("-").map(Number);
    return page.days[parts[1] - 1].replace("{d}", parts[2]).replace("{y}", parts[0]);
  }
  function say(name, data) {
    let text = page.words[name];
    if (data && (data.day || data.value)) text = text.replace("{day}", data.day ? day(data.day) : data.value);
    return text;
  }
  function fill(element) {
    const name = element.dataset.w;
    element.textContent = say(name, element.dataset);
    if (page.english.indexOf(name) >= 0) { element.lang = "en"; element.dir = "ltr"; }
    else { element.removeAttribute("lang"); element.removeAttribute("dir"); }
    return element;
  }
  function w(name, data) {
    const element = h("span", { "data-w": name });
    Object.assign(element.dataset, data || {});
    return fill(element);
  }
  function put(element, name, data) {
    element.textContent = "";
    if (name) element.append(w(name, data));
  }
  function announce(name) {
    put(spoken, "");
    setTimeout(() => put(spoken, name), 50);
  }

  /* Settings live in the page and go with it. */
  [["larger", "larger"], ["contrast", "contrast"]].forEach((pair) => {
    const box = $(pair[0]);
    const apply = () => root.classList.toggle(pair[1], box.checked);
    box.addEventListener("change", apply);
    apply();
  });
  $("print").hidden = false;
  $("print").addEventListener("click", () => window.print());
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = Array.from(document.querySelectorAll("details.fold:not([open])"));
    unfolded.forEach((fold) => { fold.open = true; });
  });
  window.addEventListener("afterprint", () => unfolded.forEach((fold) => { fold.open = false; }));

  /* Quick exit: the page goes blank at once; the chat is erased before another site takes the page's place in the history. */
  const exit = $("exit");
  let presses = [];
  function leave() {
    const site = exit.dataset.exit;
    forget();
    hush();
    hangUp();
    document.title = new URL(site).hostname;
    document.body.textContent = "";
    root.className = "";
    if (!embedded) return location.replace(site);
    window.parent.postMessage({ confide: "exit" }, "*");
    // Where no embed.js listens, this frame leads the whole window away by itself.
    setTimeout(() => { try { window.top.location.replace(site); } catch (_) { location.replace(site); } }, 300);
  }
  exit.addEventListener("click", (event) => { event.preventDefault(); leave(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    const now = Date.now();
    presses = presses.filter((time) => now - time < 2000).concat(now);
    if (presses.length >= 3) return leave();
    if (embedded) window.parent.postMessage({ confide: "escape" }, "*");
  }, true);

  /* Forgetting: the server is told by a request, or by a beacon when the page closes. */
  const unforgotten = new Set();
  function beacon(sender) {
    const body = new Blob([JSON.stringify({ sender: sender })], { type: "application/json" });
    return Boolean(navigator.sendBeacon && navigator.sendBeacon("/webhooks/web/erase", body));
  }
  function forget() {
    if (form && asked) unforgotten.add(sender);
    unforgotten.forEach((one) => { if (beacon(one)) unforgotten.delete(one); });
    asked = false;
  }
  function hush() {
    if (window.speechSynthesis) window.speechSynthesis.cancel();
  }
  let line = null;
  function hangUp() {
    if (line) line.close();
    line = null;
  }
  let asked = false;
  let sender = "";
  if (!form) return;

  /* What sticks to the edges may not cover what is scrolled to or focused. */
  const bar = document.querySelector(".safety");
  function makeRoom() {
    const covers = window.getComputedStyle(form).position === "sticky";
    root.style.scrollPaddingTop = bar.offsetHeight + 10 + "px";
    root.style.scrollPaddingBottom = (covers ? form.offsetHeight + 10 : 10) + "px";
  }
  window.addEventListener("resize", makeRoom);

  const log = $("log");
  const box = $("message");
  const typing = $("typing");
  const notice = $("notice");
  const random = () => {
    if (window.crypto.randomUUID) return window.crypto.randomUUID();
    return Array.from(window.crypto.getRandomValues(new Uint8Array(16)), (byte) => (256 + byte).toString(16).slice(1)).join("");
  };
  function newSender() {
    sender = random();
    Array.from(document.querySelectorAll("input[name=sender]")).forEach((input) => { input.value = sender; });
  }
  asked = form.hasAttribute("data-asked");
  if (asked) sender = form.elements.sender.value;
  else newSender();
  let chat = {};

  /* An answer. The elements are those of chat.html. */
  function around(line, part, name) {
    if (!part) return [line, "", ""];
    let at = line.indexOf(name) >= 0 ? line.indexOf(part, line.indexOf(name) + name.length) : -1;
    if (at < 0) at = line.indexOf(part);
    return at < 0 ? [line + " ", part, ""] : [line.slice(0, at), part, line.slice(at + part.length)];
  }
  const tel = (phone) => "tel:" + phone.replace(/[^+0-9]/g, "");
  /* A number and the full stop after it stay on one line. */
  function beside(link, after) {
    const mark = /^[.,;:،؛。]*/.exec(after)[0];
    return [h("span", { class: "nb" }, link, mark), after.slice(mark.length)];
  }
  const outside = (url, text, extra) => h("a", Object.assign({ href: url, target: "_blank", rel: "noreferrer" }, extra), text);

  function contact(person) {
    const pieces = around(person.line, person.phone || person.website, person.name);
    const call = { class: "call", dir: "ltr" };
    const site = /^https?:/.test(pieces[1]) ? pieces[1] : "https://" + pieces[1];
    const link = !pieces[1] ? null : person.phone ? h("a", Object.assign({ href: tel(pieces[1]) }, call), pieces[1]) : outside(site, pieces[1], call);
    const line = h("p", { class: "line" }, pieces[0]);
    if (link) line.append.apply(line, beside(link, pieces[2]));
    const item = h("li", {}, line);
    (person.details || []).forEach((detail) => item.append(h("p", { class: "small" }, detail)));
    return item;
  }
  function source(cited) {
    const said = { lang: "en", dir: "ltr" };
    return h("li", {},
      h("p", said, cited.url ? outside(cited.url, cited.title) : h("b", {}, cited.title), ", " + cited.publisher),
      cited.quote ? h("blockquote", said, cited.quote) : null,
      h("p", { class: "small" },
        cited.published ? w("page_speaks_of", { value: cited.published }) : w("page_undated"), " ", w("page_checked_on", { day: cited.read })));
  }
  const fold = (title, count, inside) => h("details", { class: "fold" },
    h("summary", {}, w(title), count ? " " : null, count ? h("span", { class: "count" }, String(count)) : null), inside);
  const flags = { needs_check: "page_check_this", not_known: "page_not_known", not_translated: "page_in_english", failed: "page_went_wrong" };
  const isSorry = (reply) => reply.language !== page.language && (reply.paragraphs || [])[0] === page.words.not_translated;

  function answer(given) {
    const reply = Object.assign({ status: "answered", language: page.language }, given, { paragraphs: given.paragraphs || [given.text || ""] });
    const own = { lang: tag(reply.language), dir: dir(reply) };
    const subject = reply.title ? h("span", Object.assign({ class: "subject" }, own), reply.title) : null;
    const element = h("article", { class: "turn them new " + reply.status, tabindex: -1 },
      h("h3", {}, h("span", { class: "vh" }, w("page_assistant")), subject ? " " : null, subject));
    if (flags[reply.status]) element.append(h("p", { class: "flag" }, w(flags[reply.status])));
    const said = h("div", Object.assign({ class: "said" }, own));
    reply.paragraphs.forEach((text, index) => said.append(
      index === 0 && isSorry(reply) ? h("p", { class: "sorry", lang: page.tag, dir: page.direction }, text) : h("p", {}, text)));
    (reply.notes || []).forEach((text) => said.append(h("p", { class: "note" }, text)));
    element.append(said);
    const people = reply.people || [];
    if (people.length) {
      const list = h("ul", Object.assign({ class: "people" }, own));
      people.forEach((person) => list.append(contact(person)));
      element.append(list);
    }
    const sources = reply.sources || [];
    if (sources.length && reply.as_of) element.append(h("p", { class: "as-of" }, w("page_as_of", { day: reply.as_of })));
    if (reply.draft && !log.querySelector(".draft")) element.append(h("p", { class: "draft" }, w("page_draft"), " ", inEnglish(reply.topic)));
    const under = h("div", { class: "under" });
    const why = reply.view === "why" ? [] : reply.why || [];
    if (why.length) {
      const inside = h("div", Object.assign({ class: "inside" }, own));
      why.forEach((text) => inside.append(h("p", {}, text)));
      under.append(fold("page_why", 0, inside));
    }
    if (sources.length) {
      const list = h("ol");
      sources.forEach((cited) => list.append(source(cited)));
      const oldest = reply.true_as_of_words ? h("p", {}, w("page_oldest", { value: reply.true_as_of_words })) : null;
      under.append(fold("page_sources", sources.length, h("div", { class: "inside" }, oldest, list)));
    }
    element.append(under);
    addTools(element);
    if (reply.ticket) follow(reply.ticket);
    if ((reply.choices || []).length) {
      const chips = h("form", { class: "chips" });
      reply.choices.forEach((choice) => {
        const language = languageOf(choice.message);
        const its = language ? { lang: tag(language), dir: isRtl(language) ? "rtl" : "ltr" } : own;
        chips.append(h("button", Object.assign({ type: "submit", name: "message", value: choice.message }, its), choice.title));
      });
      element.append(chips);
    }
    return element;
  }
  /* The same answer in English, beside a translation that nobody has checked. */
  function inEnglish(topic) {
    return outside("/chat/en?topic=" + encodeURIComponent(topic || ""), w("page_english"), { hreflang: "en" });
  }
  /* The language that a choice changes to, if it does. */
  function languageOf(message) {
    const found = /^\/change_language\{"language": ?"(\w+)"\}$/.exec(message);
    return found ? found[1] : null;
  }
  function dropChips() {
    Array.from(log.querySelectorAll(".chips")).forEach((chips) => chips.remove());
  }

  /* Listen and copy. Only voices on the device itself speak: others would send the answer to a third party. */
  const voice = (language) => window.speechSynthesis && window.speechSynthesis.getVoices().find(
    (one) => one.localService && one.lang.split(/[-_]/)[0].toLowerCase() === language.split("-")[0].toLowerCase());
  const paragraphs = (turn) => Array.from(turn.querySelectorAll(".said > p, .people p")).map((one) => one.textContent.trim());
  let speaking = null;
  function stop() {
    hush();
    if (speaking) put(speaking, "page_listen");
    speaking = null;
  }
  function listen(button, turn) {
    const again = speaking === button;
    stop();
    if (again) return;
    speaking = button;
    put(button, "page_stop_listening");
    const language = turn.querySelector(".said").lang;
    const texts = paragraphs(turn);
    texts.forEach((text, index) => {
      const speech = new SpeechSynthesisUtterance(text.replace(/[\u2066-\u2069]/g, ""));
      speech.voice = voice(language);
      speech.lang = language;
      if (index === texts.length - 1) speech.onend = () => { if (speaking === button) stop(); };
      window.speechSynthesis.speak(speech);
    });
  }
  function copy(button, turn) {
    const asOf = turn.querySelector(".as-of");
    const text = paragraphs(turn).concat(asOf ? asOf.textContent : []).join("\n\n");
    const done = () => {
      put(button, "page_copied");
      announce("page_copied");
      setTimeout(() => put(button, "page_copy"), 2500);
    };
    const byHand = () => {
      const area = h("textarea", { class: "vh", "aria-hidden": "true", tabindex: -1 });
      area.value = text;
      document.body.append(area);
      area.select();
      if (document.execCommand("copy")) done();
      area.remove();
      button.focus();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, byHand);
    else byHand();
  }
  function tool(name, act) {
    const button = h("button", { type: "button", class: "tool" }, w(name));
    button.addEventListener("click", () => act(button));
    return button;
  }
  function addTools(turn) {
    const under = turn.querySelector(".under");
    if (!under) return;
    const aloud = tool("page_listen", (button) => listen(button, turn));
    aloud.classList.add("listen");
    aloud.hidden = !voice(turn.querySelector(".said").lang);
    under.append(aloud);
    if (turn.querySelector(".people, .as-of")) under.append(tool("page_copy", (button) => copy(button, turn)));
  }
  if (window.speechSynthesis && window.speechSynthesis.addEventListener) {
    window.speechSynthesis.addEventListener("voiceschanged", () => Array.from(log.querySelectorAll(".listen")).forEach((button) => {
      button.hidden = !voice(button.parentNode.parentNode.querySelector(".said").lang);
    }));
  }

  /* Asking */
  const calm = window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const bring = (turn) => turn.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  let waiting = 0;
  function wait(more) {
    waiting += more;
    typing.hidden = waiting <= 0;
  }
  function post(message) {
    const cancel = window.AbortController ? new AbortController() : null;
    const late = setTimeout(() => cancel && cancel.abort(), 30000);
    return fetch("/webhooks/web/webhook", {
      method: "POST", cache: "no-store", signal: cancel ? cancel.signal : undefined,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sender: message.sender, message: message.text, language: message.language, message_id: message.id }),
    }).then((response) => response.json().then(
      (body) => ({ ok: response.ok, body: body }), () => ({ ok: false, body: null })
    )).then((result) => { clearTimeout(late); return result; }, (error) => { clearTimeout(late); throw error; });
  }
  function callInstead() {
    const parts = say("page_call_instead").replace("{hours}", page.call.hours).split("{phone}");
    const line = h("p", { "data-call": "" }, parts[0]);
    line.append.apply(line, beside(h("a", { class: "call", dir: "ltr", href: tel(page.call.phone) }, page.call.phone), parts[1] || ""));
    return line;
  }
  function notSent(turn, message, name, reason) {
    const why = h("p", {}, name ? w(name) : reason);
    const again = h("button", { type: "button", class: "again" }, w("page_resend"));
    const failure = h("div", { class: "unsent" }, why, again, callInstead());
    again.addEventListener("click", () => {
      turn.focus({ preventScroll: true });
      failure.remove();
      send(turn, message);
    });
    turn.append(failure);
    failure.scrollIntoView({ block: "nearest" });
  }
  function receive(turn, message, replies) {
    dropChips();
    const deleted = replies.some((reply) => reply.topic === "delete_my_chat");
    if (deleted) {
      // Asked for in words: the page forgets as the server has.
      chat = {};
      hangUp();
      asked = false;
      waiting = 0;
      wait(0);
      log.textContent = "";
      newSender();
    }
    replies.forEach((reply, index) => {
      const element = answer(reply);
      if (index < replies.length - 1) Array.from(element.querySelectorAll(".chips")).forEach((chips) => chips.remove());
      log.append(element);
    });
    bring(deleted ? log.firstElementChild : turn);
    if (document.activeElement === document.body) box.focus({ preventScroll: true });
    const last = replies[replies.length - 1];
    // Who writes in another language than the page's, and is answered in it, gets the page in it too.
    if (last.language && last.language !== page.language && !isSorry(last) && last.status !== "not_translated" && message.language === page.language) changeLanguage(last.language, true);
  }

  /* A volunteer: what they say comes by itself. After a broken connection the browser asks for what came after the last line. */
  function connected() {
    if (notice.querySelector("[data-w=page_reconnecting]")) put(notice, "");
  }
  function follow(ticket, latest) {
    hangUp();
    if (!window.EventSource) return;
    const address = "/webhooks/web/events/" + encodeURIComponent(ticket);
    const source = line = new EventSource(address);
    let last = latest || 0; // a new stream tells the whole conversation again
    const comes = (who) => (event) => {
      if (source !== line || Number(event.lastEventId) <= last) return;
      last = Number(event.lastEventId);
      const given = JSON.parse(event.data);
      const element = answer(given);
      if (who === "volunteer") {
        element.classList.add("volunteer");
        put(element.querySelector("h3 .vh"), "page_volunteer");
        element.querySelector("h3 .vh").classList.remove("vh");
        if (!given.paragraphs) element.querySelector(".said").dir = "auto";
        if (!given.language) element.querySelector(".said").removeAttribute("lang");
      }
      dropChips();
      log.append(element);
      element.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    };
    ["volunteer", "notice", "assistant"].forEach((who) => source.addEventListener(who, comes(who)));
    source.addEventListener("end", () => { if (source === line) { hangUp(); connected(); } });
    source.onopen = () => { if (source === line) connected(); };
    source.onerror = () => {
      if (source !== line) return;
      put(notice, "page_reconnecting");
      if (source.readyState !== 2) return; // the browser tries again by itself
      // A proxy whose server starts again refuses too; only "not found" says that the conversation has ended.
      const asking = window.AbortController ? new AbortController() : null;
      const again = () => setTimeout(() => { if (source === line) follow(ticket, last); }, 3000);
      fetch(address, { cache: "no-store", signal: asking ? asking.signal : undefined }).then((response) => {
        if (asking) asking.abort();
        if (source !== line) return;
        if (response.status === 404) { hangUp(); connected(); } else again();
      }, again);
    };
  }
  let queue = Promise.resolve();
  function send(turn, message) {
    const mine = chat;
    asked = true;
    wait(1);
    queue = queue.then(() => {
      if (mine !== chat) return;
      if (navigator.onLine === false) throw { name: "page_offline" };
      return post(message).then((result) => {
        if (mine !== chat) return erase(message.sender);
        if (!result.ok) throw { reason: result.body && result.body.error && result.body.error.reason };
        if (!Array.isArray(result.body) || !(result.body.length || line)) throw { name: "failed" };
        if (result.body.length) receive(turn, message, result.body);
      });
    }).catch((problem) => {
      if (mine !== chat) return;
      const name = problem && problem.reason ? "" : problem && /^(page_offline|failed)$/.test(problem.name) ? problem.name : "page_not_sent";
      notSent(turn, message, name, problem && problem.reason);
    }).then(() => { if (mine === chat) wait(-1); });
  }
  function ask(text, shown) {
    stop();
    put(notice, "");
    dropChips();
    const turn = h("article", { class: "turn you new", tabindex: -1 }, h("h3", { class: "vh" }, w("page_you")), h("p", { dir: "auto" }, shown || text));
    log.append(turn);
    $("languages").open = false;
    bring(turn);
    send(turn, { id: random(), text: text, sender: sender, language: page.language });
    return turn;
  }

  const length = (text) => Array.from(text).length;
  let told = "";
  function measure() {
    box.style.height = "auto";
    box.style.height = Math.min(box.scrollHeight + 4, 160) + "px";
    makeRoom();
    const left = page.limit - length(box.value);
    const name = left < 0 ? "page_too_many" : left <= 100 ? "page_letters_left" : "";
    counter.textContent = name ? say(name).replace("{count}", String(Math.abs(left))) : "";
    box.setAttribute("aria-invalid", left < 0 ? "true" : "false");
    // Said aloud when the state changes, not at every letter.
    if (name !== told) spoken.textContent = counter.textContent;
    told = name;
  }
  function submit() {
    const text = box.value.trim();
    if (!text || length(text) > page.limit) return box.focus();
    box.value = "";
    measure();
    ask(text);
    box.focus({ preventScroll: true });
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  box.addEventListener("input", measure);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  log.addEventListener("click", (event) => {
    const chip = event.target.closest(".chips button");
    if (!chip) return;
    event.preventDefault();
    const language = languageOf(chip.value);
    const turn = ask(chip.value, chip.textContent);
    turn.focus({ preventScroll: true });
    if (language) changeLanguage(language);
  });

  /* Deleting: the page is empty at once; the server is asked until it has forgotten too. */
  function erase(one) {
    unforgotten.add(one);
    return fetch("/webhooks/web/conversations/" + encodeURIComponent(one), { method: "DELETE" }).then((response) => {
      if (!response.ok && response.status !== 404) throw new Error(String(response.status));
      unforgotten.delete(one);
    });
  }
  function clear() {
    stop();
    hangUp();
    chat = {};
    waiting = 0;
    wait(0);
    log.textContent = "";
    box.value = "";
    measure();
    if (page.greeting) log.append(answer(page.greeting));
    Array.from(log.children).forEach((turn) => turn.classList.remove("new"));
  }
  function eraseUntilDone(one) {
    erase(one).then(() => put(notice, "page_deleted"), () => {
      put(notice, "page_not_deleted");
      setTimeout(() => { if (unforgotten.has(one)) eraseUntilDone(one); }, 3000);
    });
  }
  $("erase").addEventListener("submit", (event) => {
    event.preventDefault();
    const old = sender;
    asked = false;
    newSender();
    clear();
    window.scrollTo(0, 0);
    box.focus({ preventScroll: true });
    eraseUntilDone(old);
  });
  window.addEventListener("pagehide", () => {
    forget();
    hush();
    // On a shared phone, "back" must not bring the conversation to sight again.
    newSender();
    clear();
  });

  /* Languages: the words change, the conversation stays. */
  function apply(next) {
    page = next;
    root.lang = page.tag;
    root.dir = page.direction;
    log.setAttribute("aria-live", "off");
    Array.from(document.querySelectorAll("[data-w]")).forEach(fill);
    Array.from(document.querySelectorAll("[data-label]")).forEach((one) => one.setAttribute("aria-label", say(one.dataset.label)));
    Array.from(document.querySelectorAll("[data-call]")).forEach((one) => one.replaceWith(callInstead()));
    Array.from(document.querySelectorAll("[data-page]")).forEach((one) => { one.href = one.dataset.page + "/" + page.language; });
    Array.from(document.querySelectorAll("#languages [data-language]")).forEach((one) => {
      const current = one.dataset.language === page.language;
      if (current) { one.setAttribute("aria-current", "true"); $("own-name").textContent = one.textContent; $("own-name").lang = page.tag; }
      else one.removeAttribute("aria-current");
    });
    const address = "/chat/" + page.language + location.search.replace(/([?&])topic=[^&]*&?/, "$1").replace(/[?&]$/, "");
    form.action = address;
    $("erase").action = address;
    history.replaceState(null, "", address);
    document.title = say("page_title");
    if (!asked) clear();
    measure();
    setTimeout(() => log.setAttribute("aria-live", "polite"), 500);
  }
  function changeLanguage(language, quietly) {
    return fetch("/chat/" + language, { cache: "no-store" }).then((response) => {
      if (!response.ok) throw new Error(String(response.status));
      return response.text();
    }).then((text) => {
      apply(JSON.parse(/<script type="application\/json" id="words">([^<]*)</.exec(text)[1]));
      put(notice, "");
    }).catch(() => { if (!quietly) put(notice, "page_language_failed"); });
  }
  $("languages").addEventListener("click", (event) => {
    const choice = event.target.closest("[data-language]");
    if (!choice || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    changeLanguage(choice.dataset.language).then(() => {
      $("languages").open = false;
      $("languages").querySelector("summary").focus();
    });
  });

  window.addEventListener("offline", () => put(notice, "page_is_offline"));
  window.addEventListener("online", () => {
    put(notice, "page_is_online");
    setTimeout(() => { if (notice.querySelector("[data-w=page_is_online]")) put(notice, ""); }, 4000);
  });
  window.addEventListener("message", (event) => {
    if (embedded && event.source === window.parent && event.data && event.data.confide === "focus") box.focus({ preventScroll: true });
  });
  Array.from(log.querySelectorAll(".them")).forEach(addTools);
  measure();
  if (asked) ($("latest") || log.lastElementChild).scrollIntoView({ block: "start" });
})();
