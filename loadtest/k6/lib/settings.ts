/** What a script is told from outside: `k6 run -e RATE=1000`, or a variable of k6's own environment. */

/** A number above 0. Throws before anything is sent when it is none. */
export function numberSetting(name: string, byDefault: number): number {
  const text = __ENV[name] ?? "";
  if (text === "") return byDefault;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`${name} is a number above 0, not ${text}`);
}

/** In seconds, of k6's form "90s", "5m" or "1h30m". */
export function secondsSetting(name: string, byDefault: number): number {
  const text = __ENV[name] ?? "";
  if (text === "") return byDefault;
  const [whole, hours = "0", minutes = "0", seconds = "0"] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  const value = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  if (whole !== undefined && value > 0) return value;
  throw new Error(`${name} is a time like 90s, 5m or 1h30m, not ${text}`);
}

export function textSetting(name: string, byDefault: string): string {
  const text = __ENV[name] ?? "";
  return text === "" ? byDefault : text;
}
