/** Prints the table of sparse-table.ts as JSON, a list of {@link Row}s: `sparse.ts ROUNDS [WORD]`. */
import '@tensorflow/tfjs-backend-wasm';
import type { Row } from './report';
import { benchSparse } from './sparse-table';

const rows: Row[] = [];
await benchSparse(Number(process.argv[2]), process.argv[3] ?? '', (row) => rows.push(row));
console.log(JSON.stringify(rows));
