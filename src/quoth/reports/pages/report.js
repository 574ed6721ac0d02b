"use strict";
// Everything from papers and models reaches the page as text: textContent, never markup.

const $ = (id) => document.getElementById(id);
const MARK = { r: "●", q: "◐", n: "○", u: "?", f: "×", x: "–", a: "n/a", "-": "" };
const WORD = {
  r: "reported", q: "reported, unquoted", n: "not reported", u: "undecided", f: "failed",
  x: "excluded", a: "not applicable", "-": "no finding",
};
const SAID = { ...WORD, u: "unclear" };
const RANK = "rqufnxa-"; // the order of states when papers are sorted by a question
const ROW = 26, MORE = 12; // pixels of a row; rows drawn above and below those in sight

let data, order, columns, votes, hits, active = { row: 0, column: 0 };
let texts = []; // for each paper, once unpacked: its strings, its cells, and what is searched
const view = { text: "", question: "", state: "", say: "", order: "name", down: false, columns: "questions", colour: "decision" };

// Unpacking

function bytes(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function unpack(element) {
  const stream = new Blob([bytes(element.textContent)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

const rest = () => new Promise((resolve) => setTimeout(resolve));

async function unpackTexts() {
  if (document.readyState === "loading") await new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve));
  for (const element of document.querySelectorAll("script.piece")) {
    for (const paper of await unpack(element)) {
      texts.push(searchable(paper, data.papers[texts.length]));
    }
    element.remove();
    await rest();
  }
  document.body.dataset.ready = "yes";
  performance.mark("ready");
  if (view.text) show();
  follow();
}

// What is searched of a paper: one string of all its cells, with the offset at which each begins.
function searchable(paper, [name, title]) {
  const parts = [], starts = [], ids = [];
  let length = 0;
  for (const [question, [decision, findings]] of Object.entries(paper.cells)) {
    const used = new Set(decision ? [decision[0]] : []);
    for (const [, , value, , answer, , error, quotes, review] of findings) {
      used.add(value).add(answer).add(error);
      for (const [text, said] of quotes) used.add(text).add(said);
      if (review) used.add(review[1]);
    }
    const part = [...used].map((number) => paper.texts[number] ?? "").join("\n").toLowerCase().replace(/\s+/g, " ") + "\n";
    ids.push(Number(question));
    starts.push(length);
    parts.push(part);
    length += part.length;
  }
  return { ...paper, all: parts.join(""), starts, ids, name: `${name} ${title ?? ""}`.toLowerCase() };
}

// Counting

function count(paper, question) {
  const readers = data.readers.length, said = data.votes[paper], tally = { yes: 0, no: 0, f: 0, said: "" };
  for (let place = question * readers; place < (question + 1) * readers; place++) {
    const letter = said[place];
    tally.said += letter;
    if (letter === "r" || letter === "q") tally.yes++;
    else if (letter === "n") tally.no++;
    else if (letter === "f") tally.f++;
  }
  return tally;
}

function agreement({ yes, no }) {
  const all = yes + no, most = Math.max(yes, no);
  if (!all) return "none";
  if (all === 1) return "one";
  return most === all ? "all" : 2 * most === all ? "tie" : "most";
}

const AGREED = { none: "no vote", one: "one reader alone", all: "all readers agree", most: "most readers agree", tie: "as many against as for" };

// Choosing: for each paper a flag for each cell that is like the filters say

function terms(text) {
  return [...text.toLowerCase().matchAll(/"([^"]+)"?|(\S+)/g)].map(([, phrase, word]) => (phrase ?? word).replace(/\s+/g, " "));
}

function holding(paper, words, into) {
  const own = texts[paper];
  const named = own ? own.name : `${data.papers[paper][0]} ${data.papers[paper][1] ?? ""}`.toLowerCase();
  for (const word of words) {
    if (named.includes(word)) continue;
    if (!own) return into.fill(0);
    const found = new Uint8Array(into.length);
    let cell = 0, at = own.all.indexOf(word);
    while (at >= 0) {
      while (cell + 1 < own.starts.length && own.starts[cell + 1] <= at) cell++;
      found[own.ids[cell]] = 1;
      if (cell + 1 === own.starts.length) break;
      at = own.all.indexOf(word, own.starts[cell + 1]);
    }
    for (let place = 0; place < into.length; place++) into[place] &= found[place];
  }
  return into;
}

function speaks(cell) {
  if (view.say === "split") return cell.yes > 0 && cell.no > 0;
  if (view.say === "same") return cell.yes + cell.no > 1 && !(cell.yes && cell.no);
  return [...view.say].some((letter) => cell.said.includes(letter));
}

function chosen(paper, words) {
  const flags = new Uint8Array(data.questions.length).fill(1);
  const only = view.question === "" ? -1 : Number(view.question);
  for (let question = 0; question < flags.length; question++) {
    if (only >= 0 && question !== only) flags[question] = 0;
    else if (view.state && !view.state.includes(data.states[paper][question])) flags[question] = 0;
    else if (view.say && !speaks(votes[paper][question])) flags[question] = 0;
  }
  return words.length ? holding(paper, words, flags) : flags;
}

const FIGURE = {
  year: (paper) => -(data.papers[paper][2] ?? -1e9),
  reported: (paper) => -[...data.states[paper]].filter((state) => state === "r" || state === "q").length,
  split: (paper) => -votes[paper].filter((cell) => cell.yes && cell.no).length,
  failed: (paper) => -votes[paper].reduce((sum, cell) => sum + cell.f, 0),
};

function sorted(papers) {
  const by = columns.findIndex((column) => column.sort === view.order);
  const figure = by >= 0 ? (paper) => RANK.indexOf(state(paper, by)) : FIGURE[view.order];
  const value = figure && new Map(papers.map((paper) => [paper, figure(paper)]));
  papers.sort((a, b) => (value ? value.get(a) - value.get(b) : 0) || a - b);
  return view.down ? papers.reverse() : papers;
}

// The grid

const state = (paper, column) => (view.columns === "variables" ? data.scores[paper][column] : data.states[paper][column]);

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name in element && name !== "role") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function layColumns() {
  const variables = view.columns === "variables";
  columns = variables
    ? data.variables.map(([kind, name, madeOf]) => ({ kind, label: name, title: `${name}: ${madeOf}`, sort: `v ${name}` }))
    : data.questions.map(([id, label, text]) => ({ id, label: label === id ? text : label, title: text, sort: `q ${id}` }));
  $("grid").style.setProperty("--columns", columns.length);
  $("grid").setAttribute("aria-colcount", columns.length + 1);
}

function drawHead() {
  const head = (column, number) => {
    const own = view.order === column.sort;
    const button = make("button", { type: "button", title: column.title, tabindex: "-1" },
      make("span", { className: "label" }, column.label), column.id ? make("span", { className: "id" }, column.id) : null);
    button.dataset.column = number;
    return make("div", { className: `column ${column.kind ?? ""}`, role: "columnheader", "aria-colindex": String(number + 2),
      "aria-sort": own ? (view.down ? "descending" : "ascending") : "none" }, button);
  };
  const corner = make("div", { className: "corner", role: "columnheader", "aria-colindex": "1" }, `${order.length.toLocaleString("en")} of ${data.papers.length.toLocaleString("en")} papers`);
  $("columns").replaceChildren(make("div", { className: "row", role: "row", "aria-rowindex": "1" }, corner, ...columns.map(head)));
}

let drawn = "";

function drawRows(all) {
  const frame = $("frame"), height = $("columns").offsetHeight;
  const first = all ? 0 : Math.max(0, Math.floor(frame.scrollTop / ROW) - MORE);
  const last = all ? order.length : Math.min(order.length, Math.ceil((frame.scrollTop + frame.clientHeight - height) / ROW) + MORE);
  if (drawn === `${first} ${last}`) return;
  drawn = `${first} ${last}`;
  const focused = document.activeElement?.closest?.("#rows [role=gridcell], #rows [role=rowheader]");
  const rows = [];
  for (let place = first; place < last; place++) rows.push(drawRow(place));
  $("rows").style.height = `${order.length * ROW}px`;
  $("rows").replaceChildren(make("div", { className: "window", role: "presentation", style: `transform: translateY(${first * ROW}px)` }, ...rows));
  if (focused) focusCell(false);
}

function drawRow(place) {
  const paper = order[place], [name, title, year, , , reason, files, notes] = data.papers[paper];
  const flags = hits[paper];
  const row = make("div", { className: "row", role: "row", "aria-rowindex": String(place + 2) });
  const label = make("div", { className: "paper", role: "rowheader", "aria-colindex": "1", tabIndex: -1, title: title ? `${title} (${name})` : name },
    make("span", { className: "name" }, title ?? name),
    notes.length ? make("span", { className: "noted", title: notes.join("; ") }, "note") : null,
    reason ? make("span", { className: "unread" }, "not read") : !files ? make("span", { className: "absent" }, "no file") : year ? make("span", { className: "year" }, String(year)) : null);
  label.dataset.place = `${place} -1`;
  row.append(label);
  columns.forEach((column, number) => row.append(drawCell(paper, place, number, flags)));
  return row;
}

function drawCell(paper, place, number, flags) {
  const letter = state(paper, number), variables = view.columns === "variables";
  const cell = document.createElement("div");
  let mark = MARK[letter], kind = `s-${letter === "-" ? "none" : letter}`, words = WORD[letter];
  if (!variables) {
    const tally = votes[paper][number], level = agreement(tally);
    if (tally.yes + tally.no > 1) words += `; readers: ${tally.yes} reported, ${tally.no} not reported`;
    if (view.colour === "agreement") {
      kind = `a-${level}`;
      mark = level === "none" ? (letter === "-" ? "" : "·") : `${tally.yes}:${tally.no}`;
      words = `${AGREED[level]}: ${words}`;
    }
  } else if (letter === "-") words = "cannot tell";
  const on = active.row === place && active.column === number, off = !variables && !flags[number];
  if (off) words += ", filtered out";
  cell.className = `cell ${kind}${off ? " off" : ""}`;
  cell.setAttribute("role", "gridcell");
  cell.setAttribute("aria-colindex", number + 2);
  cell.setAttribute("aria-label", `${columns[number].label}: ${words}`);
  cell.tabIndex = on ? 0 : -1;
  cell.dataset.place = `${place} ${number}`;
  cell.textContent = mark;
  return cell;
}

const filtered = () => view.text.trim() || view.question || view.state || view.say;

function show() {
  const words = terms(view.text), papers = [];
  let cells = 0;
  hits = data.papers.map((_, paper) => {
    const flags = chosen(paper, words), sum = flags.reduce((a, b) => a + b, 0);
    cells += sum;
    if (sum) papers.push(paper);
    return flags;
  });
  order = sorted(papers);
  active = { row: Math.min(active.row, Math.max(0, order.length - 1)), column: Math.min(active.column, columns.length - 1) };
  drawn = "";
  drawHead();
  $("grid").setAttribute("aria-rowcount", order.length + 1);
  $("grid").hidden = !order.length;
  $("empty").hidden = order.length > 0;
  $("key").hidden = view.colour !== "agreement" || view.columns === "variables";
  const waiting = words.length && texts.length < data.papers.length ? " so far; still unpacking" : "";
  $("count").textContent = filtered()
    ? `${cells.toLocaleString("en")} ${cells === 1 ? "cell" : "cells"} in ${order.length.toLocaleString("en")} ${order.length === 1 ? "paper" : "papers"}${waiting}` : "";
  drawRows();
}

// Moving about

function focusCell(scroll = true) {
  const frame = $("frame");
  if (scroll) {
    const top = active.row * ROW, seen = frame.clientHeight - $("columns").offsetHeight;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (top + ROW > frame.scrollTop + seen) frame.scrollTop = top + ROW - seen;
    drawRows();
  }
  for (const cell of $("rows").querySelectorAll("[tabindex='0']")) cell.tabIndex = -1;
  const cell = $("rows").querySelector(`[data-place="${active.row} ${active.column}"]`);
  if (!cell) return;
  cell.tabIndex = 0;
  cell.focus({ preventScroll: !scroll });
}

function move(event) {
  const last = { row: order.length - 1, column: columns.length - 1 };
  const page = Math.max(1, Math.floor($("frame").clientHeight / ROW) - 6);
  const step = {
    ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-page, 0], PageDown: [page, 0],
    Home: [event.ctrlKey ? -1e9 : 0, -1e9], End: [event.ctrlKey ? 1e9 : 0, 1e9],
  }[event.key];
  if (!step) return false;
  active.row = Math.max(0, Math.min(last.row, active.row + step[0]));
  active.column = Math.max(-1, Math.min(last.column, active.column + step[1]));
  return true;
}

function openAt(element) {
  [active.row, active.column] = element.dataset.place.split(" ").map(Number);
  openActive();
}

function openActive() {
  const paper = order[active.row];
  if (active.column < 0 || view.columns === "variables") openPaper(paper);
  else openCell(paper, active.column);
}

// What a cell opens into

const percent = (score) => `${Math.round(score * 100)} %`;

function sheet(paper, over, ...content) {
  const [name, title, year, doi, pages, reason, , notes] = data.papers[paper];
  const about = [title ? name : null, year, doi && `doi:${doi}`, pages && `${pages} pages`].filter(Boolean).join(" · ");
  const close = make("button", { type: "button", className: "close", "aria-label": "Close" }, "×");
  close.dataset.do = "close";
  $("sheet").replaceChildren(
    make("header", {}, make("div", { className: "which" }, make("p", { className: "of" }, title ?? name), about ? make("p", { className: "about" }, about) : null), close),
    reason ? make("p", { className: "alert" }, `This paper could not be read: ${reason}`) : "",
    ...notes.map((note) => make("p", { className: "noted" }, `${note[0].toUpperCase()}${note.slice(1)}.`)), over, ...content);
  if (!$("cell").open) $("cell").showModal();
  $("cell").scrollTop = 0;
}

function chip(letter, words = WORD[letter]) {
  return make("span", { className: "chip" }, make("span", { className: `mark s-${letter === "-" ? "none" : letter}`, "aria-hidden": "true" }, MARK[letter] || "·"), words);
}

function openCell(paper, question) {
  const [id, label, text, , guidance] = data.questions[question];
  const letter = data.states[paper][question], own = texts[paper];
  const [decision, findings] = own?.cells[question] ?? [null, []];
  const word = (number) => (number < 0 ? null : own.texts[number]);
  history.replaceState(null, "", `#cell=${encodeURIComponent(data.papers[paper][0])}/${encodeURIComponent(id)}`);
  const steps = make("p", { className: "steps" });
  for (const [what, words, key] of [["left", "Previous question (arrow left)", "←"], ["right", "Next question (arrow right)", "→"], ["up", "Previous paper", "↑"], ["down", "Next paper", "↓"]]) {
    const button = make("button", { type: "button", title: words, "aria-label": words }, key);
    button.dataset.do = what;
    steps.append(button);
  }
  const asked = make("div", { className: "asked" }, steps, make("p", { className: "id" }, id), make("h2", { id: "cell-title", tabIndex: -1 }, label === id ? text : label),
    label === id ? null : make("p", {}, text), guidance ? make("p", { className: "guidance" }, guidance) : null);
  const verdict = make("div", { className: "verdict" }, chip(letter));
  if (decision) {
    const [value, score, basis, yes, no, failed] = decision;
    if (value >= 0) verdict.append(make("b", { className: "value" }, word(value)));
    const votes = yes + no + failed ? `: ${[`${yes} reported`, `${no} not reported`, failed ? `${failed} failed` : null].filter(Boolean).join(", ")}` : "";
    verdict.append(make("span", { className: "basis" }, `${decidedBy(basis, letter, findings)}${votes}${score === null ? "" : `; right in about ${percent(score)} of such cells`}`));
  }
  const leading = decision ? decision[6] : -1;
  const shown = findings.map((finding, number) => ({ finding, leads: number === leading })).sort((a, b) => b.leads - a.leads);
  const list = own
    ? findings.length
      ? shown.map(({ finding, leads }) => drawFinding(finding, leads && findings.length > 1, word))
      : [make("p", { className: "note" }, "No reader has answered this yet.")]
    : [make("p", { className: "note", role: "status" }, "Still unpacking …")];
  sheet(paper, asked, verdict, ...list);
}

function decidedBy(basis, letter, findings) {
  if (basis === "adjudicated") return "settled by a person";
  if (basis !== "people") return `by the rule ${basis}`;
  const like = letter === "q" || letter === "r" ? "rq" : letter;
  const people = findings.filter(([reader, said]) => data.readers[reader][1] === "human" && like.includes(said)).length;
  return people === 1 ? "by one person" : `by ${people} people who agree`;
}

function drawFinding([reader, letter, value, unit, answer, score, error, quotes, review, took, look, audit], leads, word) {
  const [name, type] = data.readers[reader];
  const figures = [
    look,
    score === null ? null : `right in about ${percent(score)} of such findings`,
    review ? (review[2] ? "adjudicated" : review[0] ? "coded blind" : "had seen other findings") : null,
    took[0] === null || took[0] < 0.05 ? null : `${took[0].toFixed(1)} s`,
    took[1] === null && took[2] === null ? null : `${((took[1] ?? 0) + (took[2] ?? 0)).toLocaleString("en")} tokens`,
    took[3] === null ? null : `US $ ${took[3].toFixed(4)}`,
  ].filter(Boolean).join(" · ");
  const said = word(answer);
  const card = make("section", { className: `finding${leads ? " leads" : ""}`, "aria-label": name },
    make("header", {}, make("h3", {}, name, type === name ? null : make("span", { className: "type" }, type)), chip(letter, SAID[letter])),
    value >= 0 ? make("p", { className: "value" }, word(value), unit ? ` ${unit}` : "") : null,
    audit ? drawAudit(audit, word) : said && !quotes.some((quote) => word(quote[0]) === said) ? make("p", { className: "answer" }, said) : null,
    error >= 0 ? make("p", { className: "alert" }, word(error)) : null,
    ...quotes.map((quote) => drawQuote(quote, word)),
    letter === "q" ? make("p", { className: "alert" }, "Unquoted: no quote of this reader was found in the paper.") : null,
    review && review[1] >= 0 ? make("p", { className: "answer" }, `Note: ${word(review[1])}`) : null,
    leads && (said || quotes.length) ? make("p", { className: "took" }, "The decision’s answer and quotes are this reader’s.") : null,
    figures ? make("p", { className: "took" }, figures) : null);
  return card;
}

function drawAudit(sentences, word) {
  const told = sentences.filter(([, label]) => label !== "meta"), wrong = told.filter(([, label]) => label === "unsupported");
  const verdict = !told.length ? "The answer says nothing of the paper."
    : wrong.length ? `What the model was shown does not support ${wrong.length} of ${told.length} sentences (struck out).`
    : `What the model was shown supports ${told.length === 1 ? "the sentence" : `all ${told.length} sentences`}.`;
  return make("div", { className: "audit" },
    make("p", { className: "answer" }, ...sentences.flatMap(([text, label]) => [label === "unsupported" ? make("s", {}, word(text)) : word(text), " "])),
    make("p", { className: "took" }, verdict));
}

const LOCATED = { exact: "found word for word", folded: "found, but for spelling or spacing", close: "found, nearly word for word", missing: "not found in the paper" };

function drawQuote([text, said, located, score, spans], word) {
  const pages = [...new Set(spans.map(([, page]) => page))], files = [...new Set(spans.map(([file]) => file))];
  const where = [
    pages.length ? `page ${pages.join(", ")}` : null,
    spans.some(([, , , ocr]) => ocr) ? "read by OCR" : null,
    files.length && files[0] >= 0 ? data.files[files[0]] : null,
    LOCATED[located], score === null ? null : `answers the question: ${score.toFixed(2)} of 1`,
  ].filter(Boolean).join(" · ");
  const figure = make("figure", { className: `quote ${located}` });
  for (const [, page, picture] of spans) {
    const source = picture >= 0 && $(`picture${picture}`);
    if (source) figure.append(make("span", { className: "lines" }, make("img", { src: `data:image/webp;base64,${source.textContent}`, alt: `Page ${page}, with the quote marked: ${word(text)}` })));
  }
  const pictured = figure.childElementCount > 0;
  figure.append(make("blockquote", { className: pictured ? "pictured" : "" }, word(text) || word(said) || ""));
  if (said >= 0 && word(text)) figure.append(make("p", { className: "said" }, `The reader wrote: ${word(said)}`));
  figure.append(make("figcaption", {}, where));
  return figure;
}

function openPaper(paper) {
  history.replaceState(null, "", `#paper=${encodeURIComponent(data.papers[paper][0])}`);
  const items = data.questions.map(([id, label, text], question) => {
    const tally = votes[paper][question], own = texts[paper]?.cells[question]?.[0];
    const value = own && own[0] >= 0 ? texts[paper].texts[own[0]] : null;
    const button = make("button", { type: "button" }, make("span", { className: `mark s-${data.states[paper][question] === "-" ? "none" : data.states[paper][question]}`, "aria-hidden": "true" }, MARK[data.states[paper][question]] || "·"),
      make("span", { className: "label" }, make("span", { className: "hidden" }, `${WORD[data.states[paper][question]]}: `), label === id ? text : label, value ? make("span", { className: "value" }, value) : null),
      tally.yes + tally.no > 1 ? make("span", { className: `ratio${tally.yes && tally.no ? " split" : ""}` }, `${tally.yes}:${tally.no}`) : null);
    button.dataset.open = `${paper} ${question}`;
    return make("li", {}, button);
  });
  const scores = data.variables.map(([kind, name], number) => make("li", { className: kind }, chip(data.scores[paper][number], `${name}: ${data.scores[paper][number] === "-" ? "cannot tell" : WORD[data.scores[paper][number]]}`)));
  sheet(paper, make("h2", { id: "cell-title", tabIndex: -1 }, "All questions of this paper"), make("ol", { className: "list" }, ...items),
    scores.length ? make("h3", {}, "Scorecard") : "", scores.length ? make("ul", { className: "scores" }, ...scores) : "");
}

function stepSheet(what) {
  if (view.columns === "variables" || active.column < 0) return;
  const before = { ...active };
  move({ key: { left: "ArrowLeft", right: "ArrowRight", up: "ArrowUp", down: "ArrowDown" }[what] });
  if (active.column < 0 || (active.row === before.row && active.column === before.column)) { active = before; return; }
  openCell(order[active.row], active.column);
  $("cell-title").focus();
}

function follow() {
  const [kind, rest_] = location.hash.slice(1).split("=", 2);
  if (!rest_ || (kind !== "cell" && kind !== "paper") || $("cell").open && !document.querySelector("#sheet [role=status]")) return;
  const [name, id] = rest_.split("/").map(decodeURIComponent);
  const paper = data.papers.findIndex((one) => one[0] === name), question = data.questions.findIndex((one) => one[0] === id);
  if (paper < 0) return;
  active = { row: Math.max(0, order.indexOf(paper)), column: question };
  if (kind === "cell" && question >= 0) openCell(paper, question);
  else openPaper(paper);
}

// Listening

function choose(event) {
  const { id, name, value } = event.target;
  if (name === "columns" || name === "colour") view[name] = value;
  else if (id in view) view[id] = value;
  if (id === "order") view.down = false;
  if (name === "columns") { active.column = 0; layColumns(); }
  $("frame").scrollTop = 0;
  show();
}

function clear() {
  $("tools").reset();
}

function sortBy(number) {
  const { sort } = columns[number];
  view.down = view.order === sort ? !view.down : false;
  view.order = sort;
  $("order").selectedIndex = -1;
  $("frame").scrollTop = 0;
  show();
  $("columns").querySelector(`[data-column="${number}"]`).focus({ preventScroll: true });
}

function listen() {
  $("tools").addEventListener("input", choose);
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  $("tools").addEventListener("reset", () => {
    const { columns: kept } = view;
    Object.assign(view, { text: "", question: "", state: "", say: "", order: "name", down: false, columns: "questions", colour: "decision" });
    if (kept !== view.columns) layColumns();
    show();
  });
  $("clear").addEventListener("click", clear);
  $("frame").addEventListener("scroll", () => drawRows(), { passive: true });
  addEventListener("resize", () => drawRows());
  $("grid").addEventListener("click", (event) => {
    const place = event.target.closest("[data-place]"), head = event.target.closest("[data-column]");
    if (place) openAt(place);
    else if (head) sortBy(Number(head.dataset.column));
  });
  $("grid").addEventListener("keydown", (event) => {
    const place = event.target.closest("[data-place]");
    if (!place) return;
    [active.row, active.column] = place.dataset.place.split(" ").map(Number);
    if (event.key === "Enter" || event.key === " ") openActive();
    else if (move(event)) focusCell();
    else return;
    event.preventDefault();
  });
  const dialog = $("cell");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) return dialog.close();
    const button = event.target.closest("button");
    if (button?.dataset.do === "close") dialog.close();
    else if (button?.dataset.do) stepSheet(button.dataset.do);
    else if (button?.dataset.open) {
      const [paper, question] = button.dataset.open.split(" ").map(Number);
      if (view.columns === "questions") active = { row: Math.max(0, order.indexOf(paper)), column: question };
      openCell(paper, question);
    }
  });
  dialog.addEventListener("keydown", (event) => {
    const what = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
    if (!what || event.target.closest("input")) return;
    event.preventDefault();
    stepSheet(what);
  });
  dialog.addEventListener("close", () => {
    history.replaceState(null, "", location.pathname + location.search);
    focusCell();
  });
  addEventListener("beforeprint", () => { drawn = ""; drawRows(true); });
  addEventListener("afterprint", () => { drawn = ""; drawRows(); });
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    $("old").hidden = false;
    for (const id of ["tools", "frame", "grid-help"]) $(id).hidden = true;
    return;
  }
  data = await unpack($("data"));
  votes = data.papers.map((_, paper) => data.questions.map((__, question) => count(paper, question)));
  data.questions.forEach(([id, label, text], number) => $("question").append(make("option", { value: String(number) }, label === id ? `${id} ${text.slice(0, 60)}` : `${id} ${label}`)));
  layColumns();
  listen();
  show();
  performance.mark("drawn");
  await unpackTexts();
}

start();
