/** Serves the built page: files of one folder, for GET and HEAD, with headers that let it do what it does and nothing else. */
import type { RequestListener } from "node:http";
import sirv from "sirv";

/** The page runs its own scripts, has its own styles, and connects to its own host. It may not be framed or read by another. */
const headers = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** @param folder - what `vite build` made; read once, now */
export function servePage(folder: string): RequestListener {
  const serveFile = sirv(folder, {
    etag: true,
    setHeaders: (response, path) => {
      // Vite puts a digest of its content into the name of each file under assets/.
      response.setHeader("Cache-Control", path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  return (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const refuse = (status: number, text: string): void => {
      response
        .writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...(status === 405 && { Allow: "GET, HEAD" }) })
        .end(`${text}\n`);
    };
    if (request.method !== "GET" && request.method !== "HEAD") refuse(405, "Only GET and HEAD");
    else serveFile(request, response, () => refuse(404, "There is nothing here"));
  };
}
