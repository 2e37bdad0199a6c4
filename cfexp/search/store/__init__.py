"""What is known of studies: records in Optuna's storage, and who may write them."""
