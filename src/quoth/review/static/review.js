// The keys, the page's zoom, and quoting by dragging. Without this script the page still works, by links and forms.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  let silence = 0;
  const tell = (words) => {
    byId("status").textContent = words;
    clearTimeout(silence);
    silence = setTimeout(() => { byId("status").textContent = ""; }, 6000);
  };
  const SVG = "http://www.w3.org/2000/svg";
  const ZOOMS = [0.6, 0.8, 1, 1.25, 1.5, 2, 3];
  let busy = false;   // between a code and the next cell: the key that gave it must not give another
  let words = [];     // of the page shown: [text, start, end, boxes]
  let drag = null;

  // Zoom, kept from cell to cell

  const zoom = () => Number(sessionStorage.getItem("zoom")) || 1;

  function showZoom() {
    const sheet = document.querySelector(".sheet");
    if (!sheet) return;
    sheet.style.width = `${zoom() * 100}%`;
    const picture = sheet.querySelector("img");
    const scale = sheet.clientWidth * devicePixelRatio > 2.6 * picture.width ? 4 : 2;
    const wanted = picture.src.replace(/scale=\d/, `scale=${scale}`);
    if (scale === 4 && picture.src !== wanted) picture.src = wanted;
  }

  function step(by) {
    const nearest = ZOOMS.reduce((best, z, i) => Math.abs(z - zoom()) < Math.abs(ZOOMS[best] - zoom()) ? i : best, 0);
    sessionStorage.setItem("zoom", ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, nearest + by))]);
    showZoom();
  }

  // Marks

  const rectsOf = (mark) => document.querySelectorAll(`rect[data-mark="${mark}"]`);

  function goTo(mark) {
    const rect = rectsOf(mark)[0];
    if (rect) scrollTo(rect);
  }

  function scrollTo(rect) {
    const desk = document.querySelector(".desk");
    const from = desk.getBoundingClientRect();
    const at = rect.getBoundingClientRect();
    desk.scrollTop += at.top - from.top - desk.clientHeight / 3;
    desk.scrollLeft += Math.min(0, at.left - from.left - 12) + Math.max(0, at.right - from.right + 12);
  }

  function light(mark, on) {
    rectsOf(mark).forEach((rect) => rect.classList.toggle("lit", on));
  }

  // Finding words in the paper: the field is drawn anew with each page, what was looked for stays

  let sought = { cell: "", words: "", hits: [], now: 0, focus: false };

  async function seek(words, by) {
    const { paper, cell, at } = document.querySelector(".sheet").dataset;
    if (words !== sought.words || cell !== sought.cell) {
      const query = new URLSearchParams({ paper, words });
      const hits = await fetch(`/find?${query}`).then((answer) => answer.ok ? answer.json() : []).catch(() => []);
      sought = { cell, words, hits, now: Math.max(0, hits.findIndex(([page]) => page >= Number(at))) };
    } else sought.now = (sought.now + by + sought.hits.length) % (sought.hits.length || 1);
    sought.focus = true;
    const hit = sought.hits[sought.now];
    if (hit && hit[0] !== Number(at)) {
      htmx.ajax("GET", `${cell}&at=${hit[0]}&part=viewer`, { target: "#viewer", swap: "outerHTML" });
    } else showHits();
  }

  function rectOf([x0, y0, x1, y1], name) {
    const rect = document.createElementNS(SVG, "rect");
    const sides = { x: x0 - 1.5, y: y0 - 1, width: x1 - x0 + 3, height: y1 - y0 + 2, class: name };
    Object.entries(sides).forEach(([side, value]) => rect.setAttribute(side, value));
    return rect;
  }

  function showHits() {
    const sheet = document.querySelector(".sheet");
    const field = byId("find");
    field.hidden = false;
    if (sheet.dataset.cell !== sought.cell) return;
    const { words: text, hits, now } = sought;
    field.elements.words.value = text;
    if (sought.focus) field.elements.words.focus();
    sought.focus = false;
    byId("found").textContent = !text.trim() ? "" : hits.length ? `${now + 1} of ${hits.length}` : "not found";
    byId("hits").replaceChildren(...hits.flatMap(([page, boxes], i) =>
      page === Number(sheet.dataset.at) ? boxes.map((box) => rectOf(box, i === now ? "now" : "hit")) : []));
    const rect = document.querySelector("#hits .now");
    if (rect) scrollTo(rect);
  }

  // Quoting by dragging over the words

  async function fetchWords(sheet) {
    words = [];
    const { paper, file, page } = sheet.dataset;
    const query = new URLSearchParams({ paper, file, page });
    const found = await fetch(`/words?${query}`).then((answer) => answer.ok ? answer.json() : []).catch(() => []);
    if (document.querySelector(".sheet") === sheet) {
      words = found;
      sheet.classList.toggle("words", words.length > 0);
    }
  }

  function pointOf(event) {
    const frame = document.querySelector(".sheet svg");
    const at = frame.getBoundingClientRect();
    const size = frame.viewBox.baseVal;
    return [(event.clientX - at.left) / at.width * size.width, (event.clientY - at.top) / at.height * size.height];
  }

  function nearestWord([x, y]) {
    let best = -1, least = Infinity;
    words.forEach(([, , , boxes], i) => boxes.forEach(([x0, y0, x1, y1]) => {
      const across = Math.max(x0 - x, 0, x - x1);
      const down = Math.max(y0 - y, 0, y - y1);
      const far = across * across + 9 * down * down;   // the line that is pointed at, before the word that is near
      if (far < least) { least = far; best = i; }
    }));
    return best;
  }

  function chosen() {
    return words.slice(Math.min(drag.from, drag.to), Math.max(drag.from, drag.to) + 1);
  }

  // One box for each line of some words, without seams between them.
  function linesOf(run) {
    const lines = [];
    for (const [x0, y0, x1, y1] of run.flatMap(([, , , boxes]) => boxes)) {
      const line = lines.at(-1);
      if (line && x0 >= line[2] - 1 && x0 - line[2] < y1 - y0 && y0 < line[3] && y1 > line[1]) {
        line.splice(1, 3, Math.min(line[1], y0), x1, Math.max(line[3], y1));
      } else lines.push([x0, y0, x1, y1]);
    }
    return lines;
  }

  function paint() {
    const layer = byId("selection");
    layer.replaceChildren(...linesOf(drag ? chosen() : []).map((box) => rectOf(box, "")));
  }

  function quote(text, near) {
    if (!byId("quotes")) return false;
    if (text.length > 600) { tell("Longer than 600 characters: mark the words that matter."); return false; }
    const rows = [...document.querySelectorAll("#quotes .row")];
    let row = rows.find((one) => !one.querySelector("textarea").value.trim());
    if (!row) {
      row = rows.at(-1);
      if (rows.length < 4) {
        row = row.cloneNode(true);
        row.querySelector(".hint")?.remove();
        row.querySelector("textarea").id = `quote-${rows.length}`;
        row.querySelector("textarea").setAttribute("aria-label", `Quote ${rows.length + 1}`);
        byId("quotes").append(row);
      }
    }
    row.querySelector("textarea").value = text;
    row.querySelector("[name=near]").value = near;
    fit(row.querySelector("textarea"));
    row.classList.remove("fresh");
    void row.offsetWidth;
    row.classList.add("fresh");
    tell(`Quoted: ${text}`);
    return true;
  }

  function fit(area) {
    area.style.height = "auto";
    area.style.height = `${Math.min(180, area.scrollHeight + 2)}px`;
  }

  function pointer(sheet) {
    sheet.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch" || !words.length) return;
      const at = nearestWord(pointOf(event));
      drag = { from: at, to: at, x: event.clientX, y: event.clientY, moved: false };
      sheet.setPointerCapture(event.pointerId);
      event.preventDefault();
      document.activeElement?.blur();
    });
    sheet.addEventListener("pointermove", (event) => {
      if (!drag) return;
      drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
      drag.to = nearestWord(pointOf(event));
      if (drag.moved) paint();
    });
    const end = (event) => {
      if (!drag) return;
      const run = chosen();
      const taken = drag.moved && event.type === "pointerup"
        && quote(run.map(([text]) => text).join(" "), `${run[0][1]}-${run.at(-1)[2]}`);
      drag = null;
      if (!taken) paint();
    };
    sheet.addEventListener("pointerup", end);
    sheet.addEventListener("pointercancel", end);
  }

  // Keys

  const press = (id) => { const it = byId(id); if (it) it.click(); return Boolean(it); };
  const say = (number) => {
    const button = document.querySelectorAll("#code .say")[number];
    if (!button) return false;
    button.click();
    return true;
  };
  const focus = (selector) => {
    const field = document.querySelector(selector);
    if (!field) return false;
    field.closest("details")?.setAttribute("open", "");
    field.focus();
    return true;
  };
  const KEYS = {
    1: () => say(0), 2: () => say(1), 3: () => say(2), 4: () => say(3), 5: () => say(4),
    n: () => press("next"), b: () => press("before"),
    u: () => { const form = byId("undo"); if (form) form.querySelector("button").click(); return Boolean(form); },
    "/": () => focus("#find:not([hidden]) input"),
    q: () => focus("#quotes textarea"), v: () => focus("#value, .choices input"), m: () => focus("#note"),
    "[": () => press("page-back"), "]": () => press("page-on"),
    "+": () => (step(1), true), "=": () => (step(1), true), "-": () => (step(-1), true),
    Enter: () => { const first = document.querySelector(".queue.first"); if (first) first.click(); return Boolean(first); },
  };

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("textarea, input:not([type=checkbox]), select");
    if (event.key === "Escape" && field) { field.blur(); return; }
    if (event.key === "Enter" && event.target.closest("#find")) {
      event.preventDefault();
      seek(event.target.value, event.shiftKey ? -1 : 1);
      return;
    }
    if (field || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary, label")) return;
    const act = KEYS[event.key];
    if (!act) return;
    if (busy || event.repeat) { event.preventDefault(); return; }
    if (act()) event.preventDefault();
  });

  document.addEventListener("submit", (event) => {
    if (busy) event.preventDefault(), event.stopImmediatePropagation();
  }, true);

  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest("#zoom-in")) step(1);
    else if (target.closest("#zoom-out")) step(-1);
    else if (target.closest("[data-use]")) {
      const { use, near, value } = target.closest("[data-use]").dataset;
      quote(use, near);
      const field = byId("value");
      if (field && value && !field.value) field.value = value;
    } else if (target.closest(".drop")) {
      const row = target.closest(".row");
      if (document.querySelectorAll("#quotes .row").length > 1) row.remove();
      else row.querySelectorAll("textarea, [name=near]").forEach((field) => { field.value = ""; });
      const layer = byId("selection");
      if (layer) layer.replaceChildren();
    } else if (target.closest("[data-goto]")) sessionStorage.setItem("goto", target.closest("[data-goto]").dataset.goto);
  }, true);

  document.addEventListener("input", (event) => {
    if (event.target.matches("#quotes textarea")) {
      fit(event.target);
      event.target.closest(".row").querySelector("[name=near]").value = "";
    }
  });

  for (const [kind, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(kind, (event) => {
      const quoted = event.target.closest?.("blockquote[data-mark]");
      if (quoted) light(quoted.dataset.mark, on);
    });
  }

  // Every new cell and every new page

  function fresh() {
    busy = false;
    const sheet = document.querySelector(".sheet");
    if (sheet && !sheet.dataset.ready) {
      sheet.dataset.ready = "yes";
      drag = null;
      showZoom();
      pointer(sheet);
      fetchWords(sheet);
      const first = sessionStorage.getItem("goto") || document.querySelector("rect[data-mark]")?.dataset.mark;
      sessionStorage.removeItem("goto");
      if (first) goTo(first);
      showHits();
    }
    document.querySelectorAll("#quotes textarea").forEach((area) => { if (area.value) fit(area); });
  }

  document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.requestConfig.verb === "post") busy = true; });
  document.addEventListener("htmx:sendError", () => {
    busy = false;
    tell("The server does not answer. What you entered is still here: start quoth review again and repeat.");
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 500) tell(`That did not work, and nothing you entered is lost: try again. ${event.detail.xhr.status}`);
  });
  document.addEventListener("htmx:afterRequest", () => { busy = false; });
  document.addEventListener("htmx:afterSettle", fresh);
  document.addEventListener("htmx:historyRestore", fresh);
  window.addEventListener("resize", showZoom);
  window.addEventListener("pageshow", fresh);
  fresh();
})();
