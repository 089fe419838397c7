/** Removes what the build makes, so that nothing of an older build is shipped. */
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
