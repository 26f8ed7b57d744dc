#!/usr/bin/env node
import { main } from "../dist/etcd/main.js";

process.exit(await main(process.argv.slice(2), process.env));
