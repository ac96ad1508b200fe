// What is wrong with how a page looks: each a function that returns what it found.
({
  // texts whose boxes lie on one another
  overlaps: () => {
    const boxes = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode, parent = node.parentElement;
      if (!node.data.trim() || parent.closest('.unseen, .scroll, pre')) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const r of range.getClientRects())
        if (r.width > 1 && r.height > 1)
          boxes.push([r.left, r.top, r.right, r.bottom, node.data.trim()]);
    }
    const found = [];
    for (let i = 0; i < boxes.length; i++)
      for (let j = i + 1; j < boxes.length; j++) {
        const a = boxes[i], b = boxes[j];
        const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
        const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
        if (width > 2 && height > 4) found.push([a[4], b[4], width, height]);
      }
    return found;
  },

  // elements that stand out of the page
  wide: () => [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.scroll, pre, .unseen, svg'))
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
    .map(e => e.tagName + ' ' + (e.textContent || '').slice(0, 40)),

  // texts of charts that stand out of their picture
  cut: () => [...document.querySelectorAll('figure > svg')].flatMap(svg => {
    const own = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter(text => {
      const r = text.getBoundingClientRect();
      return r.left < own.left - 1 || r.right > own.right + 1 || r.bottom > own.bottom + 1;
    }).map(text => text.textContent);
  }),

  // texts that stand out too little from what is behind them (WCAG 2.2, 1.4.3)
  pale: () => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgb = text => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = colour => {
      const [r, g, b] = colour.map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = e => {
      for (; e; e = e.parentElement) {
        const colour = rgb(getComputedStyle(e).backgroundColor);
        if (colour[3] > 250) return colour;
      }
      return [255, 255, 255, 255];
    };
    const found = [];
    for (const e of document.querySelectorAll('body *')) {
      const own = [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim());
      if (!own || e.closest('.unseen') || !e.getClientRects().length) continue;
      const style = getComputedStyle(e);
      const text = rgb(e.namespaceURI.endsWith('svg') ? style.fill : style.color);
      const [a, b] = [light(text), light(behind(e))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < 4.5) found.push([e.tagName, e.textContent.trim().slice(0, 40), ratio]);
    }
    return found;
  },
})
