const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n: number): string => String(n).padStart(2, "0");

/** `Nov 24 11:08:09`, local time, as journalctl's short format. */
export function shortTime(ms: number): string {
  const d = new Date(ms);
  return `${MONTHS[d.getMonth()]} ${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** `Tue 2026-11-24 11:08:09 UTC`, as systemctl shows times. */
export function longTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** `2min 3s`, `1h 5min`, `3 days`: the two largest parts. */
export function ago(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  if (s < 60) return `${s}s`;
  if (s < 3_600) return `${Math.floor(s / 60)}min ${s % 60}s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)}h ${Math.floor((s % 3_600) / 60)}min`;
  return `${Math.floor(s / 86_400)} days`;
}

/** `12.3M`, in steps of 1024. */
export function bytes(n: number): string {
  const units = ["B", "K", "M", "G", "T"];
  let i = 0;
  let value = n;
  while (value >= 1_024 && i < units.length - 1) {
    value /= 1_024;
    i++;
  }
  return `${i === 0 ? value : value.toFixed(1)}${units[i]}`;
}
