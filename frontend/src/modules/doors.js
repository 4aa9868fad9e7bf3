// Whoever writes a time until which a door is to be unlocked has chosen just that.
document.addEventListener("input", ({ target }) => {
  const choice = target.name === "relock_at" && target.form?.elements.choice;
  if (choice) choice.value = "until";
});
