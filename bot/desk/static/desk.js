// What the desk's pages share (window.desk), and the look-up page's box, topics and answers. Everything works without it, a page at a time.
"use strict";

document.documentElement.classList.add("js");

/** Ask the server; gives the response's JSON, or its text. Throws an Error whose message the server wrote for the volunteer. */
async function ask(path, options = {}) {
  const response = await fetch(path, {
    credentials: "same-origin",
    ...options,
    // Not "text/html": a session that has ended is then answered with a status, not with the sign-in page.
    headers: { Accept: "application/json, */*;q=0.1", ...options.headers },
  });
  if (response.status === 401) {
    location.assign("/desk/sign-in");
  }
  const isJson = (response.headers.get("Content-Type") || "").includes("json");
  const body = isJson ? await response.json() : await response.text();
  if (!response.ok) {
    const error = new Error((isJson && body.error) || "This did not work. Reload the page and try again.");
    error.status = response.status;
    throw error;
  }
  return body;
}

/** Send a form's fields (an object, FormData or URLSearchParams) with the session's token. */
function post(path, data = {}) {
  return ask(path, { method: "POST", body: new URLSearchParams(data), headers: { "X-CSRF": document.body.dataset.csrf || "" } });
}

/** Say something to a screen reader: in the page's #note, if it has one. */
function announce(text) {
  const note = document.getElementById("note");
  if (note) {
    note.textContent = "";
    setTimeout(() => { note.textContent = text; }, 50); // so that the same words twice are said twice
  }
}

/** Show in the navigation how many people wait, for anybody or for this volunteer's answer. */
function waiting(count, danger) {
  const mark = document.getElementById("waiting");
  if (mark) {
    mark.hidden = !count;
    mark.textContent = count || "";
    mark.classList.toggle("danger", Boolean(danger));
    mark.setAttribute("aria-label", `${count} waiting${danger ? ", danger" : ""}`);
  }
}

// On every page of the desk the volunteer stays in reach: who holds a conversation may look something up.
if (document.getElementById("waiting") && !document.getElementById("duty")) {
  const title = document.title;
  const listen = () => {
    const held = new EventSource("/desk/chats/events?in_brief=1");
    held.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      waiting(state.unanswered + (state.on_duty ? state.waiting : 0), state.danger);
      document.title = state.danger ? `DANGER · ${title}` : title;
      if (state.danger) {
        announce("Danger in a conversation of yours. Go to Chats.");
      }
    });
    held.addEventListener("signed_out", () => { held.close(); location.assign("/desk/sign-in"); });
    held.onerror = () => { if (held.readyState === EventSource.CLOSED) setTimeout(listen, 3000); };
  };
  listen();
  // Who looks something up for a patient is at work for them.
  let told = 0;
  for (const sign of ["keydown", "pointerdown"]) {
    document.addEventListener(sign, () => {
      if (Date.now() - told < 20000) return;
      told = Date.now();
      post("/desk/chats/here").catch(() => {});
    });
  }
}

window.desk = { ask, post, announce, waiting };

// A small form on a page that must stay: what came of it is said in the form.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-post]");
  if (!form) return;
  event.preventDefault();
  const says = form.querySelector("[data-says]"), button = form.querySelector("button");
  if (button.disabled) return; // pressed twice, it is sent once
  button.disabled = true;
  setTimeout(() => { button.disabled = false; }, 5000);
  try {
    says.textContent = (await post(form.getAttribute("action"), new FormData(form))).done;
    form.reset();
  } catch (error) {
    says.textContent = error.message;
  }
});

const box = document.getElementById("q");
if (box) {
  lookUp(box);
}

function lookUp(box) {
  const form = document.getElementById("ask");
  const answer = document.getElementById("answer");
  const list = document.getElementById("suggestions");
  const options = [...list.children];
  const today = form.elements.as_of.max;
  let active = null; // the option that Enter picks
  let underWay = null;

  // The list of topics: WAI-ARIA Authoring Practices, combobox with list autocomplete.

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");
  list.setAttribute("role", "listbox");
  options.forEach((option) => { option.setAttribute("role", "option"); });

  const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  const terms = new Map(options.map((option) => [option, plain(option.dataset.terms)]));

  function choose(option) {
    active?.removeAttribute("aria-selected");
    active = option;
    if (!option) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }

  function close() {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    choose(null);
  }

  function open() {
    const words = plain(box.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const option of options) {
      option.hidden = !words.every((word) => terms.get(option).includes(word));
      shown += option.hidden ? 0 : 1;
    }
    choose(null);
    list.hidden = !shown;
    box.setAttribute("aria-expanded", String(shown > 0));
  }

  function move(step) {
    if (list.hidden) {
      open();
    }
    const shown = options.filter((option) => !option.hidden);
    if (!shown.length) {
      return;
    }
    const at = shown.indexOf(active) + step;
    // Past either end is the box itself, then the list's other end.
    choose(at === -1 || at === shown.length ? null : shown[at < -1 ? shown.length - 1 : at]);
  }

  box.addEventListener("input", () => { if (box.value.trim()) { open(); } else { close(); } });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) {
      return; // Enter and the arrows are the input method's
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && active) {
      event.preventDefault();
      pick(active);
    }
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) {
      pick(option);
    }
  });

  function pick(option) {
    close();
    box.value = "";
    show({ ...asked(), topic: option.dataset.topic });
  }

  // Asking: the answer is put into the page, and the address says what is shown.

  function asked() {
    const said = Object.fromEntries(new FormData(form));
    if (said.as_of === today) {
      said.as_of = "";
    }
    return said;
  }

  function show(query, key) {
    const said = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
    load(said.toString(), { push: true, key });
  }

  async function load(search, { push = false, key = null } = {}) {
    underWay?.abort();
    const mine = underWay = new AbortController();
    answer.setAttribute("aria-busy", "true");
    try {
      const html = await ask(`/desk/answer?${search}`, { signal: mine.signal });
      // Parsed apart from the page, no script in it would run.
      answer.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
      if (push) {
        history.pushState(null, "", address());
      }
      fill(new URL(address(), location.href).searchParams);
      settle(key);
    } catch (error) {
      if (error.name === "AbortError") {
        return;
      }
      const said = document.createElement("p");
      said.className = "alarm";
      said.textContent = error.status ? error.message : "The server cannot be reached. Check the connection, then ask again.";
      answer.replaceChildren(said);
      announce(said.textContent);
    } finally {
      if (underWay === mine) {
        answer.setAttribute("aria-busy", "false");
      }
    }
  }

  /** The address of what is shown, as the server gives it: without what it has masked. */
  function address() {
    return answer.querySelector("[data-asked]").dataset.asked;
  }

  function fill(query) {
    for (const name of ["q", "language", "nation", "as_of"]) {
      form.elements[name].value = query.get(name) || (name === "as_of" ? today : "");
    }
  }

  function settle(key) {
    const results = [...answer.querySelectorAll("[data-result]")];
    const title = results[0]?.querySelector("h2");
    document.title = `${title ? title.textContent : "Look up"} · Confide`;
    announce(results.length ? results.map((result) => result.dataset.result).join(". ") : "All topics");
    // A link that was followed inside the answer has been replaced by its like; else the answer's title is where to go on.
    const again = key && answer.querySelector(`[data-key="${CSS.escape(key)}"]`);
    (again || title)?.focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    close();
    show(asked());
  });
  for (const name of ["language", "nation", "as_of"]) {
    form.elements[name].addEventListener("change", () => {
      const topic = new URLSearchParams(location.search).get("topic");
      if ((topic || box.value.trim()) && form.elements[name].checkValidity()) {
        show({ ...asked(), topic });
      }
    });
  }
  answer.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-ask]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      load(new URL(link.href).searchParams.toString(), { push: true, key: link.dataset.key });
    }
    const copied = event.target.closest("[data-copy]");
    if (copied) {
      copy(copied);
    }
    if (event.target.closest("[data-print]")) {
      print();
    }
  });
  async function copy(button) {
    const label = button.dataset.label || button.textContent;
    button.dataset.label = label;
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser did not allow it";
    }
    announce(button.textContent);
    setTimeout(() => { button.textContent = label; }, 2000);
  }

  history.replaceState(null, "", address());
  addEventListener("popstate", () => load(location.search.slice(1)));
  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest("input, select, textarea, [contenteditable]");
    if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  });
}
