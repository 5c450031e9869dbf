"use strict";
// What the page can do better with a script; without it the page is whole. It never votes.
(() => {
  const EVERY = 5000; // milliseconds between two looks at how the gate stands
  const shape = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  const said = document.documentElement.lang;
  const own = navigator.languages.find((tag) => tag.split("-")[0] === said);
  const clock = new Intl.DateTimeFormat(own || said, shape);

  // Times are written in UTC; the reader's own zone is known only here.
  const localTimes = (part) => {
    for (const time of part.querySelectorAll("time[datetime]")) {
      if (time.title) continue;
      time.title = time.textContent;
      time.textContent = clock.format(new Date(time.dateTime));
    }
  };

  const address = document.currentScript.dataset.live;
  const known = new Map();
  let etag = "";
  let timer = 0;

  const put = (fresh) => {
    const part = document.getElementById(fresh.id);
    const html = fresh.innerHTML;
    if (!part || known.get(fresh.id) === html) return;
    known.set(fresh.id, html);
    part.innerHTML = html;
    part.hidden = fresh.hidden;
    Object.assign(part.dataset, fresh.dataset);
    localTimes(part);
  };

  // Buttons that would only be refused go away; what was typed stays until the page does.
  const closeForm = () => {
    const state = document.getElementById("live-state");
    const asked = document.getElementById("asked");
    if (state && asked) asked.hidden = state.dataset.votes === "closed";
  };

  const look = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const answer = await fetch(address, { cache: "no-store", headers: etag ? { "If-None-Match": etag } : {} });
      if (answer.ok) {
        etag = answer.headers.get("ETag") || "";
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        page.querySelectorAll("[id^=live-]").forEach(put);
        closeForm();
      } else if (answer.status !== 304 && answer.status < 500) {
        return; // the link is revoked or the run is gone: reloading says so
      }
    } catch {
      // the server is away; the next look may find it
    }
    timer = setTimeout(look, EVERY);
  };

  for (const part of document.querySelectorAll("[id^=live-]")) known.set(part.id, part.innerHTML);
  localTimes(document);
  if (address) {
    document.addEventListener("visibilitychange", look);
    timer = setTimeout(look, EVERY);
  }
})();
