// Parts of the page that are sent when they are first opened (deferred_parts.py).
const sentAtFirst = window.gradio_config.arrived; // ids of containers; none where the page was sent whole
const asked = {}; // id of a container -> {arrival: a promise, arrive, isThere}

function bring(part) {
  if (!sentAtFirst || sentAtFirst.includes(part)) return Promise.resolve();
  asked[part] ??= {};
  asked[part].arrival ??= new Promise((arrive) => (asked[part].arrive = arrive));
  if (!asked[part].isThere) trigger(`part_${part}`); // which is skipped while it is under way, and repeats what failed
  return asked[part].arrival;
}

const bringTab = (tab) => bring(PARTS[tab]);

function arrived(part) {
  asked[part].isThere = true;
  asked[part].arrive();
}

const take = (tab) => bringTab(tab).then(() => trigger(`take_${tab}`));
