"use strict";
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

function clear(article) {
  for (const one of article.querySelectorAll("li.on")) {
    one.classList.remove("on");
    one.querySelector("button").setAttribute("aria-expanded", "false");
    one.querySelector(".evidence").hidden = true;
  }
  for (const mark of article.querySelectorAll("mark.on")) mark.className = "";
}

function choose(button) {
  const item = button.closest("li"), article = button.closest("article");
  clear(article);
  const label = item.className;
  item.classList.add("on");
  button.setAttribute("aria-expanded", "true");
  item.querySelector(".evidence").hidden = false;
  history.replaceState(null, "", "#" + button.id);
  const marks = [...article.querySelectorAll("mark")].filter((mark) => mark.dataset.s.split(" ").includes(button.dataset.n));
  for (const mark of marks) mark.classList.add("on", label);
  if (!marks.length) return;
  const box = article.querySelector(".context");
  const top = marks[0].getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop;
  box.scrollTo({ top: top - box.clientHeight / 3, behavior: calm ? "auto" : "smooth" });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".sentences button");
  if (button) {
    if (button.getAttribute("aria-expanded") === "true") clear(button.closest("article"));
    else choose(button);
    return;
  }
  const mark = event.target.closest("mark");
  if (mark) {
    const numbers = mark.dataset.s.split(" "), article = mark.closest("article");
    const open = article.querySelector("li.on button");
    const next = numbers[(numbers.indexOf(open ? open.dataset.n : "") + 1) % numbers.length];
    choose(article.querySelector(`.sentences button[data-n="${next}"]`));
  }
});

document.addEventListener("keydown", (event) => {
  const button = event.target.closest(".sentences button");
  if (!button) return;
  if (event.key === "Escape") clear(button.closest("article"));
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const all = [...button.closest("ol").querySelectorAll("button")];
  const next = all[all.indexOf(button) + (event.key === "ArrowDown" ? 1 : -1)];
  event.preventDefault();
  if (next) {
    next.focus();
    choose(next);
  }
});

document.addEventListener("change", (event) => {
  if (event.target.name !== "filter") return;
  let shown = 0;
  for (const one of document.querySelectorAll("[data-is]")) {
    one.hidden = !one.dataset.is.split(" ").includes(event.target.value);
    if (!one.hidden) shown += 1;
  }
  document.querySelector(".empty").hidden = shown > 0;
});

function follow() {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.matches(".sentences button")) choose(target);
}
addEventListener("hashchange", follow);
follow();
