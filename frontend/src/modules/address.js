// A page that answers a form has the address of the form. One that says which page it is (data-address) is that page
// when it is loaded again: what was sent is not sent twice.
const page = document.querySelector("[data-address]")?.dataset.address;
if (page && page !== location.pathname) history.replaceState(null, "", page);
