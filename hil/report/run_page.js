"use strict";
// The page of a run: plots that zoom together with the lanes, values under the cursor, steps that lead to their moment.
(() => {
  document.documentElement.classList.add("scripted");
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const byId = (name) => document.getElementById(name);
  const run = JSON.parse(byId("run-data").textContent);
  const end = run.end_s;
  const narrowest = Math.max(0.02, end / 4000);
  let from = 0, to = end, cursor = null, plots = [];
  const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const written = (value) => (value == null ? "–" : String(+value.toPrecision(5)));

  // -- the window of time: one for all plots and lanes ---------------------------------------------------------------
  const boxes = all(".window");
  const spans = boxes.flatMap((box) => all(".span", box).map((span) => [span, +span.dataset.at, +span.dataset.to]));
  const show = (first, last) => {
    const width = Math.min(end, Math.max(narrowest, last - first));
    from = Math.min(Math.max(0, (first + last - width) / 2), end - width);
    to = from + width;
    for (const strip of all(".strip")) {
      strip.style.width = (100 * end) / width + "%";
      strip.style.left = (-100 * from) / width + "%";
    }
    for (const [span, first, last] of spans) {  // a word stays in sight when its span began before the window
      const hidden = first < from && last > from ? (100 * (from - first)) / width : 0;
      span.style.paddingLeft = hidden ? "calc(var(--seen) * " + hidden / 100 + " + 3px)" : "";
    }
    for (const box of boxes) { box.style.setProperty("--seen", box.clientWidth + "px"); }
    for (const ruler of all(".ruler .strip")) { rule(ruler); }
    for (const plot of plots) { plot.setScale("x", { min: from, max: to }); }
    const text = byId("window");
    if (text) { text.textContent = written(from) + " to " + written(to) + " s"; }
    place();
  };
  const rule = (strip) => {
    const step = niceStep((to - from) / Math.max(3, strip.parentElement.clientWidth / 110));
    strip.textContent = "";
    for (let at = Math.ceil(from / step - 1e-9) * step; at <= to + 1e-9; at += step) {
      const tick = document.createElement("span");
      tick.className = "tick";
      tick.textContent = written(at);
      tick.style.left = (100 * at) / end + "%";
      strip.append(tick);
    }
  };
  const niceStep = (least) => {
    const power = Math.pow(10, Math.floor(Math.log10(least)));
    return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least * 0.999);
  };

  // -- values at the cursor -----------------------------------------------------------------------------------------
  const lines = all(".window").map((box) => {
    const line = document.createElement("div");
    line.className = "here";
    line.hidden = true;
    box.append(line);
    return line;
  });
  const place = () => {
    for (const line of lines) {
      line.hidden = cursor == null || cursor < from || cursor > to;
      if (!line.hidden) { line.style.left = (100 * (cursor - from)) / (to - from) + "%"; }
    }
  };
  const heldAt = (times, at) => {
    let low = 0, high = times.length;
    while (low < high) { const half = (low + high) >> 1; if (times[half] <= at) { low = half + 1; } else { high = half; } }
    return low - 1;
  };
  const states = all("section.evse").map((section) => ({
    out: section.querySelector(".held"),
    lanes: all(".lane:not(.pins):not(.ruler)", section).map((lane) => {
      const spans = all(".span", lane);
      return { label: lane.querySelector(".label").textContent, spans, times: spans.map((span) => +span.dataset.at) };
    }),
  }));
  const pointAt = (at) => {
    cursor = at;
    place();
    for (const { out, lanes } of states) {
      out.textContent = written(at) + " s";
      for (const { label, spans, times } of lanes) {
        const held = heldAt(times, at);
        if (held < 0 || at > +spans[held].dataset.to) { continue; }
        const name = document.createElement("b");
        name.textContent = " · " + label + " ";
        // of a set-point the reason is worth more than the name of the party
        const reason = label === "set-point by" ? spans[held].title.replace(/^.*? s: /, ": ") : "";
        out.append(name, spans[held].textContent, reason.startsWith(": ") ? reason : "");
      }
    }
    for (const group of run.groups) {
      for (const plot of group.plots) {
        const out = byId(plot.id).querySelector("output");
        const held = at == null ? -1 : heldAt(plot.data[0], at);
        out.textContent = held < 0 ? "" : written(at) + " s: "
          + plot.series.map((each, number) => written(plot.data[number + 1][held])).join(" · ") + " " + plot.unit;
      }
    }
  };
  const pointUnder = (event, box) => {
    const area = box.getBoundingClientRect();
    pointAt(Math.min(to, Math.max(from, from + ((event.clientX - area.left) / area.width) * (to - from))));
  };
  const moveTo = (first, last) => {
    const around = Math.max((last - first) * 0.5, Math.min(2, end / 4), narrowest);
    pointAt(first);
    if (plots.length) {
      show(first - around, last + around);
      requestAnimationFrame(() => { for (const plot of plots) { plot.setCursor({ left: plot.valToPos(first, "x"), top: 8 }); } });
    }
    const rows = all(".row");
    for (const row of rows) { row.classList.remove("here-now"); }
    const next = rows.find((row) => +row.dataset.at >= first - 1e-6) || rows[rows.length - 1];
    if (next) { next.classList.add("here-now"); }
    byId("timeline").scrollIntoView({ block: "start", behavior: "smooth" });
  };
  for (const row of all("tr[data-from]")) {
    const first = +row.dataset.from, last = +(row.dataset.to || row.dataset.from);
    row.addEventListener("click", (event) => {
      if (event.target.closest("a")) { return; }
      for (const other of all("tr.here-now")) { other.classList.remove("here-now"); }
      row.classList.add("here-now");
      moveTo(first, last);
    });
  }
  for (const item of all(".span, .pin")) { item.addEventListener("click", () => pointAt(+item.dataset.at)); }
  for (const box of all(".window")) {
    box.addEventListener("mousemove", (event) => pointUnder(event, box));
  }

  // -- plots --------------------------------------------------------------------------------------------------------
  const marksOf = (group) => (plot) => {
    const paint = plot.ctx, box = plot.bbox;
    paint.save();
    for (const [at, kind] of group.marks) {
      if (at < from || at > to) { continue; }
      const x = Math.round(plot.valToPos(at, "x", true)) + 0.5;
      paint.strokeStyle = tone(kind);
      paint.lineWidth = (kind === "failed" ? 2.5 : 1) * uPlot.pxRatio;
      paint.setLineDash(kind === "trip" || kind === "failed" ? [] : [3 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
      paint.beginPath();
      paint.moveTo(x, box.top);
      paint.lineTo(x, box.top + box.height);
      paint.stroke();
    }
    paint.restore();
  };
  const drawAll = () => {
    if (typeof uPlot === "undefined") { return; }
    for (const plot of plots) { plot.destroy(); }
    plots = [];
    const gutter = parseFloat(tone("gutter"));
    for (const group of run.groups) {
      for (const plot of group.plots) {
        const figure = byId(plot.id);
        const sketch = figure.querySelector(".sketch");
        sketch.hidden = true;  // it is printed, still
        const axis = { stroke: tone("quiet"), font: "11px system-ui", grid: { stroke: tone("line"), width: 0.5 }, ticks: { stroke: tone("line"), width: 0.5 } };
        const options = {
          width: figure.clientWidth, height: plot.height, padding: [6, 0, 4, 0],
          legend: { show: false },
          cursor: { y: false, sync: { key: "run", setSeries: false }, drag: { x: true, y: false }, points: { show: false } },
          scales: { x: { time: false, min: from, max: to }, y: { range: (own, low, high) => {
            if (low == null) { return [0, 1]; }
            const margin = Math.max((high - low) * 0.08, Math.abs(high) * 0.01, 0.05);
            return [low - margin, high + margin];
          } } },
          axes: [
            { ...axis, size: 0, space: 90, values: () => [] },
            { ...axis, size: gutter, space: 26, values: (own, ticks) => ticks.map(written) },
          ],
          series: [{}, ...plot.series.map((each) => ({
            label: each.label, stroke: tone(each.tone), width: 1.6, points: { show: false },
            dash: each.tone === "setpoint" ? [5, 4] : undefined, paths: uPlot.paths.stepped({ align: 1 }),
          }))],
          hooks: {
            drawAxes: [marksOf(group)],
            // the plots report the window that `show` gave them, too: only one that a drag made goes on to the others
            setScale: [(own, scale) => {
              const { min, max } = own.scales.x;
              if (scale === "x" && Math.abs(min - from) + Math.abs(max - to) > 1e-9 * end) { queueMicrotask(() => show(min, max)); }
            }],
          },
        };
        const made = new uPlot(options, plot.data, figure);
        made.over.addEventListener("mousemove", (event) => pointUnder(event, made.over));
        made.over.addEventListener("dblclick", () => queueMicrotask(() => show(0, end)));
        plots.push(made);
      }
    }
    show(from, to);
  };
  const buttons = {
    "zoom-in": () => show(from + (to - from) / 4, to - (to - from) / 4),
    "zoom-out": () => show(from - (to - from) / 2, to + (to - from) / 2),
    "zoom-left": () => show(from - (to - from) / 3, to - (to - from) / 3),
    "zoom-right": () => show(from + (to - from) / 3, to + (to - from) / 3),
    "zoom-all": () => show(0, end),
  };
  for (const [name, act] of Object.entries(buttons)) {
    const button = byId(name);
    if (button) { button.addEventListener("click", act); }
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", drawAll);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawAll(); } });
  drawAll();

  // -- messages -----------------------------------------------------------------------------------------------------
  const filter = byId("message-filter");
  if (filter) {
    filter.addEventListener("input", () => {
      const wanted = filter.value.trim().toLowerCase();
      for (const row of all("#exchange > .row")) { row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted); }
    });
  }
  const openSource = () => { const source = byId("source"); if (source && /^#L\d+$/.test(location.hash)) { source.open = true; const line = byId(location.hash.slice(1)); if (line) { line.scrollIntoView({ block: "center" }); } } };
  addEventListener("hashchange", openSource);
  openSource();
})();
