// Files and folders that are dropped on the page, wherever they fall.

/**
 * Calls `take` with the files of each drop; `zone` shows while something is held over the page.
 * @param {Element} zone
 * @param {function(File[])} take
 */
export function acceptDrops(zone, take) {
  // Entering a child comes before leaving its parent: so they are counted.
  let depth = 0;
  const mark = () => zone.classList.toggle('held-over', depth > 0);
  document.addEventListener('dragenter', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    mark();
  });
  document.addEventListener('dragleave', (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    mark();
  });
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    // Without this the browser would leave the page and show the picture.
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
  });
  document.addEventListener('drop', async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    mark();
    take(await filesOf(event.dataTransfer));
  });
}

function hasFiles(event) {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

async function filesOf(transfer) {
  // Both lists are emptied at the end of the event: so they are read before anything is awaited.
  const plain = [...transfer.files];
  const entries = [...transfer.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  const found = await Promise.all(entries.filter(Boolean).map(filesBelow));
  return found.flat();
}

async function filesBelow(entry) {
  if (entry.name.startsWith('.')) return [];
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    // A reader gives a hundred at a time, and none at the end.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    for (const child of entries) files.push(...await filesBelow(child));
  }
}
