/**
 * Minutes east of UTC of this machine's time zone at a wall-clock reading (ms as if UTC). Asked for each log
 * line without a zone, so the last hour's answer is kept; daylight saving changes on whole hours.
 */
export function localZone(): (wallMs: number) => number {
  const hourMs = 3_600_000;
  let hour = Number.NaN;
  let offset = 0;
  return (wallMs) => {
    const asked = Math.floor(wallMs / hourMs);
    if (asked !== hour) {
      hour = asked;
      const d = new Date(wallMs);
      offset = -new Date(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes()).getTimezoneOffset();
    }
    return offset;
  };
}
