// The command line from its source: `cli.ts <arguments of aionis>`.

import { main } from "../../src/cli/main.ts";

process.exitCode = await main(process.argv.slice(2));
