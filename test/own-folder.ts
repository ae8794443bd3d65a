/**
 * No test reads or writes the machine's own Moat: what names neither its data folder nor its configuration, also in a
 * program that it starts, gets a data folder that cannot be made and a configuration that is not there.
 */
process.env['MOAT_DATA'] = '/dev/null/a-test-must-name-its-data-folder';
process.env['MOAT_CONFIG'] = '/dev/null/a-test-must-name-its-configuration';
