"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const status = document.getElementById("status");
  const config = { responsive: true, displaylogo: false, showSendToCloud: false, scrollZoom: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  // Figures are drawn when they come near the screen, so that a long page opens at once.
  const places = [...document.querySelectorAll("[data-figure]")];
  const drawn = new Set();
  const changes = new Map();
  const draw = (place) => {
    const name = place.dataset.figure;
    if (drawn.has(name)) return;
    drawn.add(name);
    const figure = data.figures[name];
    const map = Boolean(document.querySelector(`[data-map="${name}"]`));
    Plotly.newPlot(place, figure.data, figure.layout, map ? { ...config, scrollZoom: true } : config);
    changes.get(name)?.();
  };
  const reserve = (place, height) => { place.style.minHeight = `${height}px`; };
  for (const place of places) reserve(place, data.figures[place.dataset.figure].layout.height);
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { near.unobserve(entry.target); draw(entry.target); }
    }
  }, { rootMargin: "500px" });
  for (const place of places) near.observe(place);

  // The map: which service, which modes, whether flows and closed providers.
  for (const box of document.querySelectorAll("[data-map]")) {
    const name = box.dataset.map;
    const place = document.querySelector(`[data-figure="${name}"]`);
    const service = box.querySelector(".service");
    const update = () => {
      if (!drawn.has(name)) return;
      const scope = service ? Number(service.value) : -1;
      const on = new Set([...box.querySelectorAll(".mode:checked")].map((each) => each.value));
      const flows = box.querySelector(".flows").checked;
      const closed = box.querySelector(".closed").checked;
      const visible = data.figures[name].data.map((trace) => {
        const { layer, service: own, mode } = trace.meta;
        if (layer === "closed") return closed;
        if (layer === "provider") return on.has(mode);
        if (own !== scope || (layer === "flow" && !flows)) return false;
        return mode === "several" ? on.size > 0 : on.has(mode);
      });
      Plotly.restyle(place, { visible });
      status.textContent = `Map shows ${service ? service.selectedOptions[0].textContent : "all services"}`;
    };
    changes.set(name, () => undefined);
    box.addEventListener("change", update);
  }

  // Scale curves: another offer puts other points into the same figure.
  for (const box of document.querySelectorAll("[data-curves]")) {
    const name = box.dataset.curves;
    const curves = data.controls[name];
    const choice = box.querySelector(".offer");
    curves.forEach((curve, at) => choice.add(new Option(curve.name, at)));
    choice.addEventListener("change", () => {
      const curve = curves[Number(choice.value)];
      const place = document.querySelector(`[data-figure="${name}"]`);
      draw(place);
      const figure = data.figures[name];
      const sign = figure.layout.yaxis.title.text.replace(/ per unit$/, "");
      const write = (value) => value.toLocaleString("en-GB", { maximumFractionDigits: 2 });
      const traces = [{ ...figure.data[0], x: curve.x, y: curve.y }];
      if (curve.at) {
        traces.push({ ...figure.data[1], x: [curve.at[0]], y: [curve.at[1]],
          text: [escape(`${write(curve.at[0])} ${curve.unit} at ${sign}${write(curve.at[1])} each`)] });
      }
      const layout = { ...figure.layout, xaxis: { ...figure.layout.xaxis, autorange: true,
        title: { ...figure.layout.xaxis.title, text: escape(`volume a year (${curve.unit})`) } },
        yaxis: { ...figure.layout.yaxis, autorange: true } };
      Plotly.react(place, traces, layout, config);
      status.textContent = `Curve of ${curve.name}`;
    });
  }

  // Tables: texts as they are; shown in pages, sorted by a heading, filtered by words.
  const PAGE = 100;
  const element = (tag, attributes = {}, text = null) => {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== null) made.textContent = text;
    return made;
  };
  // Shown with four decimals, or four digits where small; a CSV file has all that are known.
  const grouped = (exact) => {
    let text = exact;
    if (/^-?\d+\.\d{5,}$/.test(exact)) {
      const value = Number(exact);
      text = Math.abs(value) >= 1 ? String(Number(value.toFixed(4))) : String(Number(value.toPrecision(4)));
    }
    const match = /^(-?)(\d+)(\.\d+)?$/.exec(text);
    return match ? match[1] + match[2].replace(/\B(?=(\d{3})+$)/g, ",") + (match[3] ?? "") : text;
  };
  // A spreadsheet would run a text that begins like a formula: an apostrophe keeps it a text.
  const csvCell = (text, number) => {
    const kept = !number && /^'*[=+\-@\t\r\n|%\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(kept) ? `"${kept.replaceAll('"', '""')}"` : kept;
  };

  const build = (place) => {
    const { columns, rows, file } = data.tables[place.dataset.table];
    const title = place.dataset.title;
    let order = null, up = true, page = 0, words = [];
    let found = rows;
    const lower = rows.map(() => null);
    const matches = (at) => {
      lower[at] ??= rows[at].join("\u001f").toLocaleLowerCase();
      return words.every((word) => lower[at].includes(word));
    };
    const tools = element("div", { class: "tools" });
    const filter = element("input", { type: "search", placeholder: "Filter: words that a row must hold",
      "aria-label": `Filter ${title}` });
    const back = element("button", { type: "button", class: "act" }, "‹ Previous");
    const on = element("button", { type: "button", class: "act" }, "Next ›");
    const save = element("button", { type: "button", class: "act" }, "Download CSV");
    const count = element("span", { class: "note", role: "status", "aria-live": "polite" });
    if (rows.length > 5) tools.append(filter);
    if (rows.length > PAGE) tools.append(back, on);
    tools.append(count, save);
    const table = element("table");
    const head = table.createTHead().insertRow();
    const body = table.createTBody();
    const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title });
    scroll.append(table);
    place.append(tools, scroll);

    const show = () => {
      const pages = Math.max(Math.ceil(found.length / PAGE), 1);
      page = Math.min(page, pages - 1);
      const from = page * PAGE;
      body.replaceChildren(...found.slice(from, from + PAGE).map((row) => {
        const line = element("tr");
        row.forEach((text, column) => {
          const size = text.length <= 26 ? "short" : text.length > 44 ? "long" : "middle";
          const cell = element("td", { class: columns[column].number ? "number" : size });
          if (columns[column].number) cell.textContent = grouped(text);
          else cell.append(element("bdi", {}, text));
          line.append(cell);
        });
        return line;
      }));
      const to = Math.min(from + PAGE, found.length);
      const of = found.length === rows.length ? "" : ` (of ${rows.length.toLocaleString("en-GB")})`;
      count.textContent = found.length
        ? `Rows ${(from + 1).toLocaleString("en-GB")}–${to.toLocaleString("en-GB")} of ${found.length.toLocaleString("en-GB")}${of}`
        : rows.length ? "No row holds these words" : "No rows";
      back.disabled = page === 0;
      on.disabled = page >= pages - 1;
      save.disabled = !rows.length;
    };
    const arrange = () => {
      found = words.length ? rows.filter((_, at) => matches(at)) : rows;
      if (order !== null) {
        const { number } = columns[order];
        const compare = (a, b) => {
          const [left, right] = [a[order], b[order]];
          if (left === "" || right === "") return (left === "") - (right === "");
          const way = number ? Number(left) - Number(right)
            : left.localeCompare(right, "en-GB", { numeric: true });
          return up ? way : -way;
        };
        found = [...found].sort(compare);
      }
      show();
    };
    columns.forEach((column, at) => {
      const cell = element("th", column.number ? { scope: "col", class: "number" } : { scope: "col" });
      const button = element("button", { type: "button", title: "Sort by this" }, column.title);
      cell.append(button);
      head.append(cell);
      button.addEventListener("click", () => {
        up = order === at ? !up : !column.number; // largest figures first
        order = at;
        for (const each of head.cells) each.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", up ? "ascending" : "descending");
        page = 0;
        arrange();
      });
    });
    filter.addEventListener("input", () => {
      words = filter.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      page = 0;
      arrange();
    });
    back.addEventListener("click", () => { page -= 1; show(); });
    on.addEventListener("click", () => { page += 1; show(); });
    save.addEventListener("click", () => {
      const lines = [columns.map((column) => csvCell(column.name, false)).join(","),
        ...found.map((row) => row.map((text, at) => csvCell(text, columns[at].number)).join(","))];
      // The mark at the begin tells Excel that it is UTF-8.
      const blob = new Blob(["\ufeff", lines.join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" });
      const link = element("a", { href: URL.createObjectURL(blob), download: `${file}.csv` });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
    show();
  };
  // A folded table is built when it is opened first.
  for (const place of document.querySelectorAll("[data-table]")) {
    const fold = place.closest("details");
    const make = () => { if (!place.childElementCount) build(place); };
    if (fold.open) make();
    fold.addEventListener("toggle", make);
  }

  // On paper every figure and table is there, in the paper's width.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details:not([open])")) {
      const place = each.querySelector("[data-table]");
      if (place && !place.childElementCount) build(place);
      each.open = true;
      opened.push(each);
    }
    for (const place of places) {
      draw(place);
      // One page holds some 600 pixels of figure below its headings; what is longer may break.
      const { height } = data.figures[place.dataset.figure].layout;
      const long = Boolean(place.closest(".tall")) && height > 600;
      place.closest("figure")?.classList.toggle("long", long);
      const fit = long ? height : Math.min(height, 600);
      reserve(place, fit);
      Plotly.relayout(place, { width: 980, height: fit });
    }
  });
  window.addEventListener("afterprint", () => {
    while (opened.length) opened.pop().open = false;
    for (const place of places) {
      const { height } = data.figures[place.dataset.figure].layout;
      reserve(place, height);
      Plotly.relayout(place, { width: null, height, autosize: true });
    }
  });
})();
