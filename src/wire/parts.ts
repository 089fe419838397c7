/**
 * How much there is in a text of JSON, before it is parsed: parsing costs by the part, not by the byte, and a megabyte may hold half a
 * million of them. Layer: wire. Pure.
 */

/**
 * Parts are counted by what stands between them: commas and opening brackets, except in texts.
 * @returns whether there are more than `most`; work is linear in the text
 */
export function hasMoreParts(json: string, most: number): boolean {
  // Almost always it is enough to count those in texts as well, which costs next to nothing.
  return json.length > most && countAnywhere(json, most) > most && countOutside(json, most) > most;
}

/** Stops counting behind `most`. */
function countAnywhere(json: string, most: number): number {
  let count = 0;
  for (const mark of [",", "[", "{"]) for (let at = json.indexOf(mark); at >= 0 && count <= most; at = json.indexOf(mark, at + 1)) count++;
  return count;
}

const [quote, comma, bracket, brace, backslash] = [34, 44, 91, 123, 92];

function countOutside(json: string, most: number): number {
  let count = 0;
  for (let at = 0; at < json.length && count <= most; at++) {
    const unit = json.charCodeAt(at);
    if (unit === quote) at = endOfText(json, at);
    else if (unit === comma || unit === bracket || unit === brace) count++;
  }
  return count;
}

/** Where the text ends that begins at `from`: at a quote that is not escaped. */
function endOfText(json: string, from: number): number {
  for (let end = json.indexOf('"', from + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let slashes = 0;
    while (json.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return json.length;
}
