// To tick something of a list (data-chooses="access") chooses the last of the options of that name: "what I tick".
document.addEventListener("change", ({ target }) => {
  const name = target.dataset?.chooses;
  if (!name) return;
  const options = target.form.querySelectorAll(`input[type="radio"][name="${name}"]`);
  options[options.length - 1].checked = true;
});
