/** The path of an installed browser, or undefined. */
export function systemBrowser(name: "chromium"): string | undefined;
