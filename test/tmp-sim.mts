import { runSeed } from "/work/main/test/simulation/program.ts";
const from=Number(process.argv[2]??1), n=Number(process.argv[3]??200);
let bad=0; const t0=performance.now(); let ev=0;
const laws={};
for(let s=from;s<from+n;s++){ try{ ev+=(await runSeed(s)).events }catch(e){ bad++; const k=String(e.message).slice(0,90).replace(/\d+/g,"N"); (laws[k]??=[]).push(s); if(process.argv[4]) console.log(e.stack) } }
console.log({bad,n,ev,ms:performance.now()-t0|0});
for (const k in laws) console.log(laws[k].length, k, laws[k].slice(0,6).join(","));
process.exit(0)
