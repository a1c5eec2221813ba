// Sends the token of the link, which follows "#" and so never reaches a server log. The server signs in only the browser
// that requested the link; any other browser is asked for the code.
(() => {
  const form = document.getElementById("matt-link");
  const token = location.hash.slice(1);
  if (!form || !token) return;
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.token.value = token;
  form.submit();
})();
