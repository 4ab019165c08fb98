"use strict";
// The index: rows are shown where they have the text and all chosen words.
(() => {
  document.documentElement.classList.add("scripted");
  const rows = Array.from(document.querySelectorAll("#runs tbody tr"));
  const buttons = Array.from(document.querySelectorAll("button[data-word]"));
  const filter = document.getElementById("run-filter");
  const apply = () => {
    const wanted = filter.value.trim().toLowerCase();
    const words = buttons.filter((button) => button.classList.contains("chosen")).map((button) => button.dataset.word);
    let shown = 0;
    for (const row of rows) {
      const tags = row.dataset.tags.split("\n");
      row.hidden = !(row.textContent.toLowerCase().includes(wanted) && words.every((word) => tags.includes(word)));
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("shown").textContent = shown === rows.length ? "" : shown + " of " + rows.length + " runs are shown";
  };
  filter.addEventListener("input", apply);
  for (const button of buttons) { button.addEventListener("click", () => { button.classList.toggle("chosen"); apply(); }); }
})();
