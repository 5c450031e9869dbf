"""A DAG with a notebook that people approve in the middle. It belongs into `dags/`."""

from airflow.sdk import DAG, task
from airflow_notebook import NotebookFlowOperator

with DAG("publish_report", schedule=None, catchup=False):
    report = NotebookFlowOperator(
        task_id="report",
        notebook="report.ipynb",
        parameters={"day": "{{ dag_run.run_after | ds }}"},
        retries=2,
    )

    @task
    def publish(result):
        print("published:", result)

    publish(report.output)
