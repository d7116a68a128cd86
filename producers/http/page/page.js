// Keeps the page current without reloading it: the content is replaced only where it has changed, the focus stays, and a
// screen reader is told the new state. Without this script the page shows the hour, and a link that reloads it.
(function () {
  var INTERVAL_MS = 1000;
  var main = document.querySelector("main");
  var said = document.querySelector("[role=status]");
  var offset = Date.now() - main.dataset.now;
  var content = main.innerHTML;
  var askedAt = Date.now();
  var busy = false;

  function count() {
    var timer = main.querySelector("[role=timer]");
    if (!timer) return;
    var left = Math.max(0, Math.ceil((timer.dataset.until - (Date.now() - offset)) / 1000));
    timer.textContent = "(" + Math.floor(left / 60) + ":" + ("0" + (left % 60)).slice(-2) + ")";
  }

  function show(page) {
    var found = new DOMParser().parseFromString(page, "text/html").querySelector("main");
    if (!found) return;
    main.dataset.refresh = found.dataset.refresh || "";
    if (found.innerHTML === content) return;
    content = found.innerHTML;
    var focused = document.activeElement && document.activeElement.id;
    var open = main.querySelector("details[open]");
    main.innerHTML = content;
    if (open && main.querySelector("details")) main.querySelector("details").open = true;
    if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
    said.textContent = Array.prototype.map.call(main.querySelectorAll("[data-say]"), function (one) {
      return one.textContent;
    }).join(" ");
    count();
  }

  function ask() {
    busy = true;
    askedAt = Date.now();
    fetch(location.href, { cache: "no-store" })
      .then(function (answer) { return answer.status < 500 ? answer.text() : ""; })
      .then(show)
      .catch(function () {})
      .then(function () { busy = false; });
  }

  function tick() {
    count();
    var due = main.dataset.refresh && Date.now() - askedAt >= main.dataset.refresh * 1000;
    if (due && !busy && !document.hidden && window.fetch) ask();
  }

  count();
  setInterval(tick, INTERVAL_MS);
})();
