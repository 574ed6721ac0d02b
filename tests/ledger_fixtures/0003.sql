BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE audits (
	id INTEGER NOT NULL, 
	item TEXT NOT NULL, 
	question TEXT NOT NULL, 
	answered BOOLEAN NOT NULL, 
	verdict TEXT NOT NULL, 
	faithful BOOLEAN NOT NULL, 
	sentences JSON NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE documents (
	id INTEGER NOT NULL, 
	paper_id INTEGER NOT NULL, 
	text_digest TEXT, 
	parser TEXT, 
	pages INTEGER, 
	characters INTEGER, 
	reason TEXT, 
	failure TEXT, 
	at DATETIME NOT NULL, title TEXT, doi TEXT, year INTEGER, hidden JSON, pictures JSON, 
	PRIMARY KEY (id), 
	FOREIGN KEY(paper_id) REFERENCES papers (id)
);
INSERT INTO "documents" VALUES(1,1,'2222222222222222222222222222222222222222222222222222222222222222','1',4,12345,NULL,NULL,'2026-01-02 03:04:05.678901',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "documents" VALUES(2,2,NULL,NULL,NULL,NULL,'needs a password','final','2026-01-02 03:04:05.678901',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "documents" VALUES(3,1,'2222222222222222222222222222222222222222222222222222222222222222','2',4,12345,NULL,NULL,'2026-01-02 03:04:05.678901','Reeds','10.5555/reeds',2020,'[{"file":"1111111111111111111111111111111111111111111111111111111111111111","page":2,"words":"words in white"}]',NULL);
INSERT INTO "documents" VALUES(4,1,'2222222222222222222222222222222222222222222222222222222222222222','3 rapidocr',4,12345,NULL,NULL,'2026-01-02 03:04:05.678901','Reeds','10.5555/reeds',2020,'[{"file":"1111111111111111111111111111111111111111111111111111111111111111","page":2,"words":"words in white"}]','[{"file":"1111111111111111111111111111111111111111111111111111111111111111","page":3,"source":"ocr"}]');
CREATE TABLE files (
	paper_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	role TEXT NOT NULL, 
	PRIMARY KEY (paper_id, position), 
	FOREIGN KEY(paper_id) REFERENCES papers (id)
);
INSERT INTO "files" VALUES(1,1,'reeds.pdf','1111111111111111111111111111111111111111111111111111111111111111',20480,'main');
INSERT INTO "files" VALUES(2,1,'sealed/main.pdf','3333333333333333333333333333333333333333333333333333333333333333',99,'main');
CREATE TABLE findings (
	id INTEGER NOT NULL, 
	text_id INTEGER NOT NULL, 
	question_id INTEGER NOT NULL, 
	reader_id INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	run_id INTEGER, 
	verdict TEXT NOT NULL, 
	value TEXT, 
	unit TEXT, 
	answer TEXT NOT NULL, 
	score DOUBLE, 
	seconds DOUBLE, 
	input_tokens INTEGER, 
	output_tokens INTEGER, 
	cost_usd DOUBLE, 
	error TEXT, 
	failure TEXT, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_row_per_revision UNIQUE (text_id, question_id, reader_id, round, revision), 
	FOREIGN KEY(text_id) REFERENCES texts (id), 
	FOREIGN KEY(question_id) REFERENCES questions (id), 
	FOREIGN KEY(reader_id) REFERENCES readers (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "findings" VALUES(1,1,1,1,0,1,1,'failed',NULL,NULL,'',NULL,NULL,NULL,NULL,NULL,'timeout','transient','2026-01-02 03:04:05.678901');
INSERT INTO "findings" VALUES(2,1,2,1,0,1,1,'not_reported',NULL,NULL,'',0.875,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-02 03:04:05.678901');
INSERT INTO "findings" VALUES(3,1,1,1,0,2,1,'reported','42',NULL,'All seeds are fixed to 42.',0.9375,0.25,120,8,0.0005,NULL,NULL,'2026-01-02 03:04:05.678901');
CREATE TABLE locks (
	name TEXT NOT NULL, 
	token TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE papers (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	doi TEXT, 
	title TEXT, 
	year INTEGER, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "papers" VALUES(1,'reeds','10.1234/reeds','Reeds from above',2025,'2026-01-02 03:04:05.678901');
INSERT INTO "papers" VALUES(2,'sealed',NULL,NULL,NULL,'2026-01-02 03:04:05.678901');
CREATE TABLE questions (
	id INTEGER NOT NULL, 
	question TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	label TEXT NOT NULL, 
	text TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	guidance TEXT NOT NULL, 
	choices JSON NOT NULL, 
	unit TEXT, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_row_per_question_version UNIQUE (question, digest)
);
INSERT INTO "questions" VALUES(1,'cq01','4444444444444444444444444444444444444444444444444444444444444444','Seeds','Are the seeds fixed?','text','','[]',NULL,'2026-01-02 03:04:05.678901');
INSERT INTO "questions" VALUES(2,'cq02','5555555555555555555555555555555555555555555555555555555555555555','Region','Where?','choice','Pick one.','["north","south"]',NULL,'2026-01-02 03:04:05.678901');
CREATE TABLE quotes (
	finding_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	said TEXT NOT NULL, 
	text TEXT NOT NULL, 
	located TEXT NOT NULL, 
	score DOUBLE, 
	spans JSON NOT NULL, 
	PRIMARY KEY (finding_id, position), 
	FOREIGN KEY(finding_id) REFERENCES findings (id)
);
INSERT INTO "quotes" VALUES(3,1,'seed 42','Every run begins with seed 42.','exact',0.75,'[{"file":"1111111111111111111111111111111111111111111111111111111111111111","page":2,"start":120,"end":151,"boxes":[[72.0,90.5,301.25,101.0],[72.0,103.5,140.0,114.0]]}]');
CREATE TABLE readers (
	id INTEGER NOT NULL, 
	reader TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	type TEXT NOT NULL, 
	manifest JSON NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_row_per_reader_version UNIQUE (reader, digest)
);
INSERT INTO "readers" VALUES(1,'embedded','6666666666666666666666666666666666666666666666666666666666666666','embedded','{"model":"demo"}','2026-01-02 03:04:05.678901');
CREATE TABLE replies (
	id INTEGER NOT NULL, 
	run_id INTEGER, 
	reader_id INTEGER NOT NULL, 
	request_digest TEXT NOT NULL, 
	shown_digest TEXT NOT NULL, 
	text TEXT NOT NULL, 
	served_model TEXT, 
	parameters JSON NOT NULL, 
	input_tokens INTEGER, 
	output_tokens INTEGER, 
	seconds DOUBLE, 
	finish_reason TEXT, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id), 
	FOREIGN KEY(reader_id) REFERENCES readers (id)
);
INSERT INTO "replies" VALUES(1,1,1,'request-1','shown-1','a reply — whole
','demo-1','{"sent":{"temperature":0},"refused":["seed"]}',120,8,0.5,'stop','2026-01-02 03:04:05.678901');
CREATE TABLE reviews (
	id INTEGER NOT NULL, 
	finding_id INTEGER NOT NULL, 
	coder TEXT NOT NULL, 
	blind BOOLEAN NOT NULL, 
	note TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(finding_id) REFERENCES findings (id)
);
CREATE TABLE run_ends (
	run_id INTEGER NOT NULL, 
	outcome TEXT NOT NULL, 
	decisions_digest TEXT, 
	counts JSON NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (run_id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "run_ends" VALUES(1,'done','8888888888888888888888888888888888888888888888888888888888888888','{"reported":1,"not_reported":1}','2026-01-02 03:04:05.678901');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	manifest JSON NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'{"protocol":"7777777777777777777777777777777777777777777777777777777777777777"}','2026-01-02 03:04:05.678901');
INSERT INTO "runs" VALUES(2,'{"protocol":"7777777777777777777777777777777777777777777777777777777777777777"}','2026-01-02 03:04:05.678901');
CREATE TABLE texts (
	id INTEGER NOT NULL, 
	paper TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_row_per_text UNIQUE (paper, digest)
);
INSERT INTO "texts" VALUES(1,'reeds','2222222222222222222222222222222222222222222222222222222222222222');
CREATE INDEX papers_by_name ON papers (name, id);
CREATE INDEX documents_by_paper ON documents (paper_id, id);
CREATE INDEX replies_by_request ON replies (request_digest, id);
CREATE INDEX reviews_by_finding ON reviews (finding_id);
CREATE VIEW all_findings AS 
    SELECT findings.id, texts.paper, questions.question, readers.reader, findings.round, findings.revision,
           findings.verdict, findings.value, findings.unit, findings.answer, findings.score, findings.seconds,
           findings.input_tokens, findings.output_tokens, findings.cost_usd, findings.error, findings.failure,
           findings.run_id AS run, findings.at, texts.digest AS text_digest,
           questions.digest AS question_digest, readers.digest AS reader_digest
    FROM findings
    JOIN texts ON texts.id = findings.text_id
    JOIN questions ON questions.id = findings.question_id
    JOIN readers ON readers.id = findings.reader_id;
CREATE VIEW current_findings AS 
    SELECT findings.id, texts.paper, questions.question, readers.reader, findings.round, findings.revision,
           findings.verdict, findings.value, findings.unit, findings.answer, findings.score, findings.seconds,
           findings.input_tokens, findings.output_tokens, findings.cost_usd, findings.error, findings.failure,
           findings.run_id AS run, findings.at, texts.digest AS text_digest,
           questions.digest AS question_digest, readers.digest AS reader_digest
    FROM findings
    JOIN texts ON texts.id = findings.text_id
    JOIN questions ON questions.id = findings.question_id
    JOIN readers ON readers.id = findings.reader_id
    WHERE NOT EXISTS (
        SELECT 1 FROM findings AS later
        WHERE later.text_id = findings.text_id AND later.question_id = findings.question_id
          AND later.reader_id = findings.reader_id AND later.round = findings.round
          AND later.revision = findings.revision + 1);
CREATE VIEW current_quotes AS 
        SELECT current_findings.paper, current_findings.question, current_findings.reader, current_findings.round,
               current_findings.verdict, quotes.position, quotes.said, quotes.text, quotes.located, quotes.score,
               quotes.spans, quotes.finding_id
        FROM current_findings JOIN quotes ON quotes.finding_id = current_findings.id;
CREATE VIEW run_log AS 
        SELECT runs.id, runs.at AS started, run_ends.at AS finished, run_ends.outcome, run_ends.decisions_digest,
               run_ends.counts, runs.manifest
        FROM runs LEFT JOIN run_ends ON run_ends.run_id = runs.id;
CREATE TRIGGER papers_refuse_update BEFORE UPDATE ON papers BEGIN SELECT RAISE(ABORT, 'papers is append-only'); END;
CREATE TRIGGER papers_refuse_delete BEFORE DELETE ON papers BEGIN SELECT RAISE(ABORT, 'papers is append-only'); END;
CREATE TRIGGER files_refuse_update BEFORE UPDATE ON files BEGIN SELECT RAISE(ABORT, 'files is append-only'); END;
CREATE TRIGGER files_refuse_delete BEFORE DELETE ON files BEGIN SELECT RAISE(ABORT, 'files is append-only'); END;
CREATE TRIGGER documents_refuse_update BEFORE UPDATE ON documents BEGIN SELECT RAISE(ABORT, 'documents is append-only'); END;
CREATE TRIGGER documents_refuse_delete BEFORE DELETE ON documents BEGIN SELECT RAISE(ABORT, 'documents is append-only'); END;
CREATE TRIGGER texts_refuse_update BEFORE UPDATE ON texts BEGIN SELECT RAISE(ABORT, 'texts is append-only'); END;
CREATE TRIGGER texts_refuse_delete BEFORE DELETE ON texts BEGIN SELECT RAISE(ABORT, 'texts is append-only'); END;
CREATE TRIGGER questions_refuse_update BEFORE UPDATE ON questions BEGIN SELECT RAISE(ABORT, 'questions is append-only'); END;
CREATE TRIGGER questions_refuse_delete BEFORE DELETE ON questions BEGIN SELECT RAISE(ABORT, 'questions is append-only'); END;
CREATE TRIGGER readers_refuse_update BEFORE UPDATE ON readers BEGIN SELECT RAISE(ABORT, 'readers is append-only'); END;
CREATE TRIGGER readers_refuse_delete BEFORE DELETE ON readers BEGIN SELECT RAISE(ABORT, 'readers is append-only'); END;
CREATE TRIGGER runs_refuse_update BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'runs is append-only'); END;
CREATE TRIGGER runs_refuse_delete BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'runs is append-only'); END;
CREATE TRIGGER run_ends_refuse_update BEFORE UPDATE ON run_ends BEGIN SELECT RAISE(ABORT, 'run_ends is append-only'); END;
CREATE TRIGGER run_ends_refuse_delete BEFORE DELETE ON run_ends BEGIN SELECT RAISE(ABORT, 'run_ends is append-only'); END;
CREATE TRIGGER replies_refuse_update BEFORE UPDATE ON replies BEGIN SELECT RAISE(ABORT, 'replies is append-only'); END;
CREATE TRIGGER replies_refuse_delete BEFORE DELETE ON replies BEGIN SELECT RAISE(ABORT, 'replies is append-only'); END;
CREATE TRIGGER findings_refuse_update BEFORE UPDATE ON findings BEGIN SELECT RAISE(ABORT, 'findings is append-only'); END;
CREATE TRIGGER findings_refuse_delete BEFORE DELETE ON findings BEGIN SELECT RAISE(ABORT, 'findings is append-only'); END;
CREATE TRIGGER quotes_refuse_update BEFORE UPDATE ON quotes BEGIN SELECT RAISE(ABORT, 'quotes is append-only'); END;
CREATE TRIGGER quotes_refuse_delete BEFORE DELETE ON quotes BEGIN SELECT RAISE(ABORT, 'quotes is append-only'); END;
CREATE TRIGGER audits_refuse_update BEFORE UPDATE ON audits BEGIN SELECT RAISE(ABORT, 'audits is append-only'); END;
CREATE TRIGGER audits_refuse_delete BEFORE DELETE ON audits BEGIN SELECT RAISE(ABORT, 'audits is append-only'); END;
CREATE TRIGGER reviews_refuse_update BEFORE UPDATE ON reviews BEGIN SELECT RAISE(ABORT, 'reviews is append-only'); END;
CREATE TRIGGER reviews_refuse_delete BEFORE DELETE ON reviews BEGIN SELECT RAISE(ABORT, 'reviews is append-only'); END;
CREATE VIEW current_papers AS 
        SELECT papers.id, papers.name, COALESCE(papers.doi, documents.doi) AS doi,
               COALESCE(papers.title, documents.title) AS title, COALESCE(papers.year, documents.year) AS year,
               documents.text_digest, documents.parser, documents.pages, documents.characters, documents.reason,
               documents.failure, documents.hidden, documents.pictures
        FROM papers
        LEFT JOIN documents
          ON documents.id = (SELECT max(newest.id) FROM documents AS newest WHERE newest.paper_id = papers.id)
        WHERE papers.id = (SELECT max(newest.id) FROM papers AS newest WHERE newest.name = papers.name);
CREATE VIEW unreadable_papers AS SELECT name, reason, failure FROM current_papers WHERE reason IS NOT NULL;
COMMIT;
