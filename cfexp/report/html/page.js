"use strict";
// Draws the page's charts in its colours: light, dark, and light again for paper, where
// nothing is folded.
const PAPER_WIDTH = 690; // of A4 and Letter without margins, in CSS pixels
const CONFIG = {
  responsive: true,
  displaylogo: false,
  displayModeBar: "hover",
  showSendToCloud: false, // by default a button uploads the chart
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};
const root = document.documentElement;
const charts = [...document.querySelectorAll(".chart")].map((box) => ({
  plot: box.querySelector(".plot"),
  content: JSON.parse(box.querySelector("script").textContent),
}));

function template() {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    gridcolor: colour("--grid"),
    linecolor: colour("--rule"),
    zerolinecolor: colour("--soft"),
    zerolinewidth: 1,
    automargin: true,
    title: { standoff: 12 },
  };
  const font = { color: colour("--ink"), family: "system-ui, sans-serif", size: 12.5 };
  return {
    data: { bar: [{ error_y: { color: colour("--ink") } }] },
    layout: {
      font,
      xaxis: axis,
      yaxis: axis,
      paper_bgcolor: colour("--paper"),
      plot_bgcolor: colour("--paper"),
      annotationdefaults: { font },
      hoverlabel: { bgcolor: colour("--shade"), bordercolor: colour("--rule"), font },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--ink") },
    },
  };
}

function draw(width) {
  const look = template();
  for (const { plot, content } of charts) {
    const { data, layout } = structuredClone(content); // Plotly writes into what it is given
    Object.assign(layout, { template: look }, width ? { width, autosize: false } : { autosize: true });
    plot.style.height = `${layout.height}px`; // Plotly forgets the layout's when it is resized
    Plotly.react(plot, data, layout, CONFIG);
  }
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details:not([open])")];
  for (const one of unfolded) one.open = true;
  root.classList.add("printed");
  draw(PAPER_WIDTH);
});
addEventListener("afterprint", () => {
  for (const one of unfolded) one.open = false;
  root.classList.remove("printed");
  draw();
});
