// How the HTML transcript looks: light and dark, narrow and wide, on screen and on paper. Every pair of colours has a
// contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3).

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f3ef; --ink: #1d1d1b; --soft: #5c5a53; --line: #d8d5cc;
  --peer: #ffffff; --me: #dfeaf6; --me-line: #b9cfe6;
  --ask: #fff3dc; --ask-line: #c98a1b; --ask-ink: #7a4b00;
  --good: #17663a; --bad: #a3161b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161719; --ink: #e9e7e2; --soft: #a6a39b; --line: #37393d;
    --peer: #222427; --me: #1b3047; --me-line: #31506f;
    --ask: #35270f; --ask-line: #b8811f; --ask-ink: #f3c77c;
    --good: #7ed3a1; --bad: #ff9c96;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 50rem; padding: 1.5rem 1rem 3rem;
  background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 2rem 0 1rem; font-size: .875rem; font-weight: 600; color: var(--soft); text-align: center; }
.topic { margin: 0 0 1.25rem; padding-left: .875rem; border-left: .1875rem solid var(--line); white-space: pre-wrap; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; font-size: .875rem; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
code { font: .8125rem/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; }
ol { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: .625rem; }
li {
  width: fit-content; min-width: 12rem; max-width: min(85%, 38rem); padding: .5rem .75rem .5625rem;
  border: 1px solid var(--line); border-radius: .75rem; background: var(--peer);
}
.peer { border-bottom-left-radius: .125rem; }
.me { align-self: flex-end; background: var(--me); border-color: var(--me-line); border-bottom-right-radius: .125rem; }
.escalate { background: var(--ask); border-color: var(--ask-line); border-left-width: .25rem; }
.escalate .deed { color: var(--ask-ink); }
.gap {
  align-self: center; text-align: center; color: var(--soft); font-style: italic;
  background: none; border-style: dashed; border-radius: .75rem;
}
.head { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; margin: 0; font-size: .8125rem; color: var(--soft); }
.who { font-weight: 600; color: var(--ink); }
.deed { font-weight: 600; }
.head time { margin-left: auto; white-space: nowrap; }
.words { margin: .125rem 0 0; white-space: pre-wrap; unicode-bidi: plaintext; overflow: hidden; }
.note { margin: .25rem 0 0; font-size: .8125rem; color: var(--soft); overflow: hidden; }
.marks { margin: .25rem 0 0; font-size: .8125rem; color: var(--soft); }
.me .marks { text-align: right; }
.cut { margin: 1.5rem 0; padding: .625rem .875rem; border: 1px dashed var(--line); border-radius: .75rem; font-size: .875rem; }
.verified, .differs { font-weight: 600; }
.verified { color: var(--good); }
.differs { color: var(--bad); }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; }
footer p { margin: 0 0 .5rem; }
.small { color: var(--soft); font-size: .8125rem; }
@media (max-width: 30rem) {
  body { padding: 1rem .75rem 2rem; }
  h1 { font-size: 1.25rem; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  dt { margin-top: .5rem; }
  li { max-width: 94%; min-width: 9rem; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --ink: #000; --soft: #444; --line: #999; --peer: #fff; --me: #fff; --me-line: #555;
    --ask: #fff; --ask-line: #000; --ask-ink: #000; --good: #000; --bad: #000;
  }
  @page { margin: 18mm 16mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  ol { display: block; }
  li { width: auto; max-width: none; margin: 0 15% .5rem 0; }
  .me { margin: 0 0 .5rem 15%; }
  .head, h2 { break-after: avoid; }
  li, footer, .cut { break-inside: avoid; }
  footer { margin-top: 1rem; }
}
`
