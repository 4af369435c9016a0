import pytest

from jobs.common.tables import local_frame
from udfs.errors import ContractError
from udfs.schemas import scores_table

EARLIER, LATER = scores_table(("ea",)), scores_table(("ea", "rrab"))
ROW = {"_id": 1, "field": 1, "ccd": 1, "quad": 1, "filter": 1}


def test_a_table_gets_the_columns_of_new_labels_and_keeps_its_rows(warehouse):
    def write(table, **cells):
        rows = local_frame(warehouse.spark, [{**ROW, **cells}], table)
        warehouse.replace(rows, table, where="survey = '{survey}'".format(**cells))

    write(EARLIER, survey="t", ea_xgb=0.5)
    with pytest.raises(ContractError, match="no column 'rrab_xgb'.* run the job that writes 'sco"):
        warehouse.read(LATER)
    write(LATER, survey="u", rrab_xgb=0.25)
    found = warehouse.read(LATER).orderBy("survey").collect()
    assert [(r.survey, r.ea_xgb, r.rrab_xgb) for r in found] == [
        ("t", 0.5, None),
        ("u", None, 0.25),
    ]
    stored = warehouse.spark.read.format("delta").load(warehouse.path(LATER)).schema
    assert [(f.name, f.metadata) for f in stored] == [(f.name, f.metadata) for f in LATER.schema]
