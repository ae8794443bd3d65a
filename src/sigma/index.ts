/**
 * A Sigma engine: rules, correlations and filters of specification 2.1.0 over events of any shape. Pure: no I/O,
 * no clock, no Node.
 *
 *   const parsed = parse([{ file: 'x.yml', text }]);            // parsed.errors: what was refused, and why
 *   const engine = compile(parsed, recordBinding({ … }));       // engine.errors: references that do not resolve
 *   engine.evaluate(event, (match) => …);
 *   engine.advance(now, (match) => …);                          // closes windows, expires state
 */
export { type Binding } from './values.ts';
export { compile, Engine, type EngineOptions, type EngineStats } from './engine.ts';
export { type SigmaError, type SigmaErrorCode } from './error.ts';
export { faultZh } from './fault-text.ts';
export { explain, type ConditionExplained, type DetectionExplained, type Explanation, type SearchExplained, type ValueExplained } from './explain.ts';
export type { Match } from './match.ts';
export { parse, type ParseOptions } from './parse.ts';
export { type Prebuilt, prebuild, readPrebuilt } from './prebuilt.ts';
export { recordBinding, type RecordBindingOptions } from './record.ts';
export type { Correlation, CorrelationType, Detection, Filter, Level, Logsource, Parsed, Rule, Status } from './types.ts';
