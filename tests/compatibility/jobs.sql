BEGIN TRANSACTION;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO "counters" VALUES('place',10);
INSERT INTO "counters" VALUES('served',6);
CREATE TABLE estimates (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,
    recipe TEXT NOT NULL,
    config TEXT NOT NULL,
    dataset TEXT NOT NULL,
    start TEXT,
    init TEXT,
    state TEXT NOT NULL,
    wish TEXT,
    step INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL,
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    spent REAL NOT NULL DEFAULT 0,
    place INTEGER,
    pid INTEGER,
    pid_start TEXT,
    elsewhere INTEGER NOT NULL DEFAULT 0,
    beat REAL,
    error TEXT,
    error_values TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO "jobs" VALUES(1,'f954b73e696441708cec7596584f72fa','browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc','Finished <done>','mae','{"steps": 6, "image_size": 16, "batch_size": 8, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 0, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/8da0209e7075c5851839ced268404517/32c0f0a17dd04374ae0e78c7e5c17ca9',NULL,NULL,'done',NULL,6,6,1.79596655586913251873e+09,1.79596655587085294722e+09,1.79596658210888171199e+09,2.60439208200000393844e+01,NULL,NULL,NULL,0,1.79596658099993896481e+09,NULL,'{"step": 6}');
INSERT INTO "jobs" VALUES(2,'36ea6d058efa4498a6f2b524d5184dc4','browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc','停止 stopped','mae','{"steps": 12, "image_size": 16, "batch_size": 400, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 0, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/8da0209e7075c5851839ced268404517/58579fdcedc0430c8995fa73dc2e9479',NULL,NULL,'stopped',NULL,4,12,1.79596660259028220174e+09,1.79596660259109592435e+09,1.7959666293527770043e+09,2.65912613019999071188e+01,NULL,NULL,NULL,0,1.79596662868398618696e+09,NULL,'{"step": 4}');
INSERT INTO "jobs" VALUES(3,'697e8be1162f48d2a51eda23e1fe5d6a','browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc','failed','mae','{"steps": 12, "image_size": 16, "batch_size": 8, "learning_rate": 1e+20, "warmup": 2, "ema_decay": 0.999, "seed": 0, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/8da0209e7075c5851839ced268404517/0cdc298f098849fca42ffab1ca45d310',NULL,NULL,'failed',NULL,0,12,1.79596662943186378483e+09,1.79596662943276262278e+09,1.79596665137115883825e+09,21.930650528,NULL,NULL,NULL,0,1.79596665050786662102e+09,'not_finite','{"step": 0}');
INSERT INTO "jobs" VALUES(4,'ac071696377c4c8d9da383a4a92683cd','browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc','refused elsewhere','mae','{"steps": 6, "image_size": 16, "batch_size": 8, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 0, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/8da0209e7075c5851839ced268404517/50966662aa824614a6045be010f72db0',NULL,NULL,'failed',NULL,0,6,1.79596665147840809824e+09,1.79596665148784685132e+09,1.79596665237912964823e+09,8.87056255000061355531e-01,NULL,NULL,NULL,1,1.79596665148784685132e+09,'remote','{"message": "HfHubHTTPError: Client error ''402 Payment Required'' for url ''http://127.0.0.1:45983/api/jobs/visitor''", "step": 0}');
INSERT INTO "jobs" VALUES(5,'3a505cd811ed40249862b984fbb12e15','hf:somebody-else','of somebody else','mae','{"steps": 6, "image_size": 16, "batch_size": 8, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 0, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/07deb91de610a22c6e5491efd61660a4/9503bf28a61c4144baf7b8c4ddeccbe4',NULL,NULL,'paused',NULL,0,6,1.79596665285206961637e+09,NULL,1.7959666528541560173e+09,0.0,NULL,NULL,NULL,0,NULL,NULL,'{}');
INSERT INTO "jobs" VALUES(6,'a3ea6b28bfbb46de8772920ee9768729','browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc','paused','mae','{"steps": 6, "image_size": 16, "batch_size": 8, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 0, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/8da0209e7075c5851839ced268404517/0dc93281cdff4db0a62c5eb3aa71bd91',NULL,NULL,'paused',NULL,0,6,1.7959666529203665256e+09,NULL,1.7959666529211113453e+09,0.0,NULL,NULL,NULL,0,NULL,NULL,'{}');
INSERT INTO "jobs" VALUES(7,'2c62621a65594509aeba971de5b5bf96','browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc','killed','mae','{"steps": 12, "image_size": 16, "batch_size": 4000, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 1, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/8da0209e7075c5851839ced268404517/23cf9b43df574fd99dce18a811a557c5',NULL,NULL,'interrupted',NULL,0,12,1.79596665298072266582e+09,1.79596665298159933088e+09,1.79596665406036233906e+09,1.06787999399989530502e+00,NULL,NULL,NULL,0,1.79596665399323725696e+09,'killed','{"signal": 9, "step": 0}');
INSERT INTO "jobs" VALUES(8,'30b864fd1af044dd8391d7e0397c3f13','browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc','running','mae','{"steps": 6, "image_size": 16, "batch_size": 4000, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 2, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/8da0209e7075c5851839ced268404517/2aaaae1f312d482f807cdf1f7cffe0db',NULL,NULL,'running',NULL,0,6,1.79596665412429857253e+09,1.79596665430181479453e+09,NULL,2.05197512200004439364e+00,8,14507,'2944e6ed-1df4-4c71-8ba8-b825cc09e8be:96625',0,1.79596665636388707156e+09,NULL,'{}');
INSERT INTO "jobs" VALUES(9,'007e551258ab46328902879f716fffe5','browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc','queued, from the finished one','mae','{"steps": 6, "image_size": 16, "batch_size": 8, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 0, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/8da0209e7075c5851839ced268404517/55f05c2fbfb64c23ab2f7787692876d6','job:f954b73e696441708cec7596584f72fa','DATA_DIR/jobs/007e551258ab46328902879f716fffe5/init','queued',NULL,0,6,1795966654.30093,NULL,NULL,0.0,9,NULL,NULL,0,NULL,NULL,'{}');
INSERT INTO "jobs" VALUES(10,'0e3616ef1401408e95e3716aa0b0f0e7','hf:somebody-else','queued by somebody else','mae','{"steps": 5, "image_size": 16, "batch_size": 8, "learning_rate": 0.01, "warmup": 2, "ema_decay": 0.999, "seed": 3, "precision": "fp32", "weight_decay": 0.05, "mask_ratio": 0.75, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "norm_pix_loss": false}','DATA_DIR/datasets/07deb91de610a22c6e5491efd61660a4/3244750351f94e019e2aa4cf59c27100',NULL,NULL,'queued',NULL,0,5,1.7959666573895413876e+09,NULL,NULL,0.0,10,NULL,NULL,0,NULL,NULL,'{}');
CREATE TABLE notices (code TEXT PRIMARY KEY, details TEXT NOT NULL);
CREATE TABLE owners (owner TEXT PRIMARY KEY, served INTEGER NOT NULL);
INSERT INTO "owners" VALUES('browser:jYjHurAQqglquJUiKyO3HK0Csp1IHi8SOUoRzMTu6zc',6);
CREATE INDEX jobs_by_owner ON jobs (owner);
CREATE INDEX jobs_by_state ON jobs (state);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',10);
COMMIT;
