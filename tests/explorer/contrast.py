"""How legible the text of a page is, as a script for the browser."""

# The least contrast of text that is shown, by the formula of WCAG 2.2; disabled controls are exempt there.
CONTRAST = """(() => {
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = rgb(c).map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    const parts = rgb(c); if (parts.length < 4 || parts[3] === 1) return c; } return 'rgb(255, 255, 255)'; };
  let worst = {ratio: 21};
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility()) continue;
    if (e.closest(':disabled, [aria-disabled=true]') || e.tagName === 'OPTION') continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst.ratio) worst = {ratio, text: e.textContent.slice(0, 40)};
  }
  return worst;
})()"""
