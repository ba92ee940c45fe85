"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const config = { responsive: true, displaylogo: false, showSendToCloud: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  const charts = new Map();

  for (const place of document.querySelectorAll("[data-figure]")) {
    const figure = data.figures[place.dataset.figure];
    charts.set(place.dataset.figure, place);
    Plotly.newPlot(place, figure.data, figure.layout, config);
  }

  // Two solvers: the figure stands for the first pair; another only changes points and titles.
  const across = document.getElementById("duel-x");
  const upwards = document.getElementById("duel-y");
  if (data.duel && across && upwards) {
    const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    const draw = () => {
      const a = data.duel.solvers[across.value];
      const b = data.duel.solvers[upwards.value];
      const traces = [0, 1, 2].map(() => ({ x: [], y: [], text: [] }));
      let below = 0, above = 0;
      data.duel.names.forEach((name, i) => {
        const trace = traces[2 - a.solved[i] - b.solved[i]];
        trace.x.push(a.times[i]);
        trace.y.push(b.times[i]);
        trace.text.push(escape(`${name}: ${a.name} ${a.times[i]} s, ${b.name} ${b.times[i]} s`));
        below += b.times[i] < a.times[i];
        above += a.times[i] < b.times[i];
      });
      const take = (key) => traces.map((trace) => trace[key]);
      Plotly.update(charts.get("duel"), { x: take("x"), y: take("y"), text: take("text") },
        { "xaxis.title.text": escape(`${a.name} (s)`), "yaxis.title.text": escape(`${b.name} (s)`) });
      document.getElementById("duel-count").textContent =
        `${a.name} faster on ${above}, ${b.name} on ${below}, neither solved ${traces[2].x.length}, of ${data.duel.names.length}`;
    };
    across.addEventListener("change", draw);
    upwards.addEventListener("change", draw);
    draw();
  }

  // Tables: a heading sorts by the rank of its cells; once more turns round; missing ones stay last.
  for (const table of document.querySelectorAll("table")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.firstElementChild.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rank = (row) => row.cells[column].dataset.rank;
        const compare = (a, b) => {
          const [left, right] = [rank(a), rank(b)];
          if (left === "" || right === "") return (left === "") - (right === "");
          const [x, y] = [Number(left), Number(right)];
          const order = Number.isNaN(x) || Number.isNaN(y) ? left.localeCompare(right) : x - y;
          return up ? order : -order;
        };
        const rows = [...table.tBodies[0].rows].sort(compare);
        table.tBodies[0].append(...rows);
      });
    });
  }

  // On paper the charts have the paper's width, and every set is open.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details:not([open])")) {
      each.open = true;
      opened.push(each);
    }
    for (const [name, chart] of charts) {
      Plotly.relayout(chart, name === "duel" ? { width: 520, height: 420 } : { width: 900, height: 280 });
    }
  });
  window.addEventListener("afterprint", () => {
    while (opened.length) opened.pop().open = false;
    for (const [name, chart] of charts) {
      Plotly.relayout(chart, { width: null, height: data.figures[name].layout.height, autosize: true });
    }
  });
})();
