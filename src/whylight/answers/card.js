(() => {
  const card = document.currentScript.closest(".whylight-answer");
  const words = JSON.parse(card.querySelector("script[type='application/json']").textContent);
  const buttons = [...card.querySelectorAll(".said button")];
  const context = [...card.querySelectorAll(".context span")];
  const shown = [...card.querySelectorAll(".pictures img")];
  const plain = shown.map((image) => image.src);
  let held = -1;
  const show = (index) => {
    const word = words[index];
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", i === index));
    shown.forEach((image, i) => (image.src = word ? word.maps[i] : plain[i]));
    context.forEach((span, i) => {
      const color = word && word.colors[i];
      span.style.background = color ? color[0] : "";
      span.style.color = color ? color[1] : "";
    });
    card.querySelector(".told").textContent = word ? word.told : "";
  };
  const walk = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  buttons.forEach((button, i) => {
    button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show(i));
    button.addEventListener("focus", () => show(i));
    button.addEventListener("click", () => show((held = held === i ? -1 : i)));
    button.addEventListener("keydown", (event) => {
      if (event.key === "Escape") show((held = -1));
      if (!(event.key in walk)) return;
      event.preventDefault();
      const next = buttons[(i + walk[event.key] + buttons.length) % buttons.length];
      buttons.forEach((each) => (each.tabIndex = each === next ? 0 : -1));
      next.focus();
    });
  });
  card.querySelector(".said").addEventListener("pointerleave", () => show(held));
})();
