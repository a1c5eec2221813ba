// Copies the text of the element that a [data-copy] button names; the buttons are hidden where scripts are off.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) continue;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // The clipboard API wants a secure context; a selection does not.
      source.hidden = false;
      getSelection().selectAllChildren(source);
      done = document.execCommand("copy");
      source.hidden = true;
    }
    button.textContent = done ? "Copied" : "Copy failed";
    const status = document.getElementById("copied");
    if (status) status.textContent = button.textContent;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}
