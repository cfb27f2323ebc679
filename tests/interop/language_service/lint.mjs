// Holds every KQL text of the tree against Microsoft's language service: what the product emits (the golden files) and what the
// scripts of tests/kql send. A text that runs here must please it; a script's case that fails here must displease it as well.
// usage: node lint.mjs <folder with node_modules> <scripts' folder> <golden folder> <allow-list>
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import process from 'node:process';

const [place, scripts, golden, allowed] = process.argv.slice(2);
const load = createRequire(join(place, 'package.json'));
globalThis.bridge = undefined;
load('@kusto/language-service-next/bridge.min.js');
load('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
const Kusto = globalThis.Kusto;

const symbols = Kusto.Language.Symbols;
const array = (items) => globalThis.System.Array.init(items, symbols.Symbol);

// A database whose tables have any column: names of tables are no matter of the language, names of functions and types are. It is
// kept, with the grammar that the service builds for it, until a table comes to it: to build it for each text was most of the time.
function databaseOf(known) {
  if (known.globals?.tables === known.tables.size) return known.globals.state;
  const open = [...known.tables].map((name) => new symbols.TableSymbol.$ctor4(name, globalThis.System.Array.init([], symbols.ColumnSymbol)).WithIsOpen(true));
  const database = new symbols.DatabaseSymbol.$ctor1('Db', array(open), true);
  known.globals = { tables: known.tables.size, state: Kusto.Language.GlobalState.Default.WithDatabase(database).WithCache() };
  return known.globals.state;
}

const properties = new Set(
  ('append async avrodatetimeprecision backfill bothdatetimeandtimespan continueonerrors compressiontype compressed creationtime datetimeprecision ' +
    'distributed distribution docstring extend_schema extentcreatedonfrom extentcreatedonto extentsshowfilteringruntimepolicy folder format ' +
    'ignorefirstrecord includeheaders includehiddentables ingestifnotexists ingestionmapping ingestionmappingreference ingestionmappingkind ' +
    'filenameprefix filetype encoding nameprefix newlinechar parquetdatetimeprecision parquetrowgroupsize persistdetails policy_ingestiontime ' +
    'recreate_schema setnewingestiontime sizelimit skipvalidation tags throwexceptiononerrors usenativeparquetwriter useNativeIngestion validationpolicy ' +
    'hidden tables functions includesecuritysettings scope view fileextension zippattern removeoldestifrequired reason hotdata pair_delimiter kv_delimiter quote escape greedy ' +
    'ignoreFirstRecord title xtitle ytitle kind legend xcolumn ycolumns series xaxis yaxis accumulate anomalycolumns ymin ymax')
    .toLowerCase().split(/\s+/));

// The script's format, as tests/kql/README.md has it.
function readScript(path) {
  const cases = [];
  let one = { text: '', line: 0, error: false, says: '' };
  let expecting = false;
  const end = () => {
    if (one.text) cases.push(one);
    one = { text: '', line: 0, error: false, says: '' };
    expecting = false;
  };
  readFileSync(path, 'utf8').split('\n').forEach((line, index) => {
    if (line === '====') return end();
    if (line === '----' && !expecting) {
      expecting = true;
    } else if (expecting) {
      if (line.startsWith('error ')) one.error = true;
    } else if (!one.text && (line === '' || line.startsWith('#'))) {
      const said = /^# lint (accepts|rejects): \S/.exec(line);
      if (said) one.says = said[1];
    } else {
      if (!one.text) one.line = index + 1;
      one.text += (one.text ? '\n' : '') + line;
    }
  });
  end();
  return cases.map((each) => ({ ...each, where: `${basename(path)}:${each.line}` }));
}

function list(bridgeList) {
  const out = [];
  for (let i = 0; i < bridgeList.Count; ++i) out.push(bridgeList.getItem(i));
  return out;
}

// Unknown commands and skipped words are no diagnostics: only the tree shows them.
function treeFaults(syntax) {
  const faults = [];
  Kusto.Language.Syntax.SyntaxElement.WalkNodes(syntax, (node) => {
    const kind = globalThis.System.Enum.toString(Kusto.Language.Syntax.SyntaxKind, node.Kind);
    if (/UnknownCommand|SkippedTokens|BadQuery/.test(kind)) faults.push(`${kind}: ${node.toString(0).trim().slice(0, 60)}`);
  });
  return faults;
}

// What the parser takes for any text.
function ownFaults(text) {
  const faults = [];
  if (/<\|\s*$/.test(text)) faults.push('nothing follows <|');
  const bare = text.replace(/```[\s\S]*?```|h?@?'(?:[^'\\\n]|\\.)*'|h?@?"(?:[^"\\\n]|\\.)*"/g, "''");
  if (text.startsWith('.')) {
    for (const group of bare.split('<|')[0].matchAll(/\bwith\s*\(([^()]*)\)/g)) {
      for (const name of group[1].matchAll(/([A-Za-z_.]+)\s*=/g)) {
        if (!properties.has(name[1].toLowerCase())) faults.push(`no property is called ${name[1]}`);
      }
    }
  }
  for (const body of text.matchAll(/\bpolicy\s+\w+\s+(?:```([\s\S]*?)```|@?'([^']*)')/g)) {
    try {
      JSON.parse((body[1] ?? body[2]).replace(/\\"/g, '"'));
    } catch {
      faults.push('the policy is no JSON');
    }
  }
  const named = /^\.create(?:-merge)? table (?:\['[^']*'\]|\w+) \(([^)]*)\)/.exec(text);
  if (named) {
    const names = named[1].split(',').map((column) => column.split(':')[0].trim());
    if (new Set(names).size !== names.length) faults.push('a column twice');
  }
  for (const date of bare.matchAll(/\bdatetime\((\d{4})-(\d\d)-(\d\d)/g)) {
    if (Number(date[2]) > 12 || Number(date[3]) > 31) faults.push(`no date: ${date[0]}`);
  }
  for (const guid of bare.matchAll(/\bguid\(([^)'"]*)\)/g)) {
    if (guid[1] !== 'null' && !/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(guid[1].trim())) faults.push(`no guid: ${guid[0]}`);
  }
  for (const number of bare.matchAll(/\bint\((-?\d+)\)/g)) {
    if (Math.abs(Number(number[1])) > 2147483648) faults.push(`no int: ${number[0]}`);
  }
  return faults;
}

const kUnknownTable = /^KS204 The name '([\s\S]*)' does not refer/;
const kUnknownEntity = /^KS(?:142|211) The name '([\s\S]*)' does not refer/;

// A name that stands where a command has a database, a function or the query behind `<|`.
function entityOf(text, fault) {
  const name = kUnknownEntity.exec(fault)?.[1];
  if (!name || !text.startsWith('.')) return undefined;
  const written = `(\\['${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}'\\]|${name.replace(/\W/g, '\\$&')}\\b)`;
  return /[^\w ]/.test(name) || new RegExp(`(<\\||;|\\{|database|function|union)\\s*(ifnotexists\\s*)?${written}`).test(text) ? name : undefined;
}

// `known` holds the script's tables and functions; where `learns` is set, what is missing is a table of the database.
function faultsOf(text, known, learns) {
  let faults = [];
  for (let round = 0; round < 3; ++round) {
    const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, databaseOf(known));
    faults = list(code.GetDiagnostics())
      .filter((each) => each.Severity === 'Error')
      .map((each) => `${each.Code} ${each.Message}`);
    const missing = faults.map((each) => kUnknownTable.exec(each)?.[1] ?? entityOf(text, each))
      .filter((name) => name && !known.tables.has(name));
    faults = faults.filter((each) => {
      const name = kUnknownEntity.exec(each)?.[1];
      if (name && /^\.(alter|alter-merge|rename|drop) columns? /.test(text)) return false; // the schema is not there to be asked
      return !known.functions.has(name) && !(text.startsWith('.') && known.tables.has(name));
    });
    faults = [...faults, ...treeFaults(code.Syntax)];
    if (!learns || missing.length === 0) break;
    missing.forEach((name) => known.tables.add(name));
  }
  return [...faults, ...ownFaults(text)];
}

const allow = readFileSync(allowed, 'utf8').split('\n').filter((line) => line && !line.startsWith('#')).map((line) => new RegExp(line, 's'));
const used = new Set();
const allowedText = (text) => {
  const found = allow.find((each) => each.test(text));
  if (found) used.add(found);
  return found !== undefined;
};

const texts = [];
for (const file of readdirSync(golden).filter((name) => name.endsWith('.kql')).sort()) {
  const known = { tables: new Set(), functions: new Set() };
  for (const text of readFileSync(join(golden, file), 'utf8').split(/^----$/m)) texts.push({ where: file, text: text.trim(), known });
}
const emitted = texts.length;
for (const file of readdirSync(scripts).filter((name) => name.endsWith('.kql')).sort()) {
  const known = { tables: new Set(), functions: new Set() };
  for (const one of readScript(join(scripts, file))) {
    const made = /^\.(?:create|create-or-alter|alter)(?:-merge)? function\s+(?:ifnotexists\s+)?(?:with\s*\([^)]*\)\s*)?(?:\['([^']*)'\]|(\w+))/.exec(one.text);
    if (made) known.functions.add(made[1] ?? made[2]);
    const filled = /^\.(?:create|create-merge|set|set-or-append|set-or-replace|append)(?: async)?(?: table)? (?:\['([^']*)'\]|(\w+)) (?:\(|<\||based-on)/.exec(one.text);
    if (filled && !one.error) known.tables.add(filled[1] ?? filled[2]);
    texts.push({ ...one, known });
  }
}

let bad = 0;
const say = (one, what) => {
  ++bad;
  process.stdout.write(`${one.where}: ${what}\n    ${one.text.split('\n').join('\n    ')}\n`);
};
for (const one of texts) {
  let faults;
  try {
    faults = faultsOf(one.text.replaceAll('{folder}', '/tmp'), one.known, !one.error);
  } catch (error) {
    faults = [`the language service failed: ${error.message}`];
  }
  if (one.error && faults.length === 0 && one.says !== 'accepts') say(one, 'fails here, yet the language service finds nothing (say `# lint accepts: why`)');
  if (one.error) continue;
  if (faults.length > 0 && one.says !== 'rejects' && !allowedText(one.text)) say(one, `the language service finds: ${faults.join(' | ')}`);
  if (faults.length === 0 && one.says === 'rejects') say(one, 'says that the language service rejects it, which finds nothing');
}
for (const each of allow) {
  if (!used.has(each)) {
    ++bad;
    process.stdout.write(`the allow-list's line is of no use: ${each.source}\n`);
  }
}
process.stdout.write(`${emitted} emitted texts and ${texts.length - emitted} cases of scripts judged, ${bad} faults\n`);
process.exit(bad === 0 && emitted > 0 && texts.length > emitted ? 0 : 1);
